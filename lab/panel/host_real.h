/* host_real.h - the model on the machine that it runs on: its files, its system users, its servers. The servers are told
 * through a program that the lab puts on each node: PANEL_ROOT/lab/service NAME VERB [ZONE]. */
#ifndef BERTH_LAB_PANEL_HOST_REAL_H
#define BERTH_LAB_PANEL_HOST_REAL_H

#include "panel.h"

/** A static object. */
struct panel_host *panel_real_host(void);

/**
 * Make RSA keys of 2048 bits in advance. A key takes 0.1 to 0.5 s to find, which would drown the pace that a measurement
 * asks for; while there is a stock, commands take their keys from it.
 */
bool panel_real_stock_keys(unsigned count);

#endif
