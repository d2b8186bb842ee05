/* progress.h - how far an operation is, for the bar: by weight, whole percent, never moving back. */
#ifndef BERTH_CORE_PROGRESS_H
#define BERTH_CORE_PROGRESS_H

#include <stdint.h>

/**
 * 100 only when everything is done: a bar that is full while work goes on is a lie.
 * @param percent_before  what was shown before; 0 at first. A smaller value is never returned.
 */
static inline int progress_percent(int64_t weight_done, int64_t weight_total, int percent_before)
{
    int percent = 0;
    if (weight_total > 0 && weight_done >= weight_total)
        percent = 100;
    else if (weight_total > 0 && weight_done > 0)
        percent = (int)((double)weight_done * 100.0 / (double)weight_total);
    if (percent > 99 && weight_done < weight_total)
        percent = 99;
    return percent > percent_before ? percent : percent_before;
}

#endif
