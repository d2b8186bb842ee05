/* cmd_operation.h - the commands of `berthctl service` that change a service which is there. */
#ifndef BERTH_CLI_CMD_OPERATION_H
#define BERTH_CLI_CMD_OPERATION_H

#include "cli/cli.h"

enum cli_exit service_redeploy(struct cli *cli, const struct cli_args *args);
enum cli_exit service_verify(struct cli *cli, const struct cli_args *args);
enum cli_exit service_plan(struct cli *cli, const struct cli_args *args);
enum cli_exit service_password(struct cli *cli, const struct cli_args *args);
enum cli_exit service_cancel(struct cli *cli, const struct cli_args *args);
enum cli_exit service_retry(struct cli *cli, const struct cli_args *args);
/** {"tasks": n} for people or scripts; stolen. */
enum cli_exit cli_say_retried(struct cli *cli, json_t *answer);

#endif
