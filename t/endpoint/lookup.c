
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Reads host names, one on a line, and prints each with the service and the
 * region that are inferred from it, separated by tabs.  A "-" stands for
 * what is not known.
 */


#include <stdio.h>
#include <string.h>

#include "sigv4.h"
#include "sigv4_endpoint.h"


int
main(void)
{
    char              line[1024];
    sigv4_str_t       host;
    sigv4_endpoint_t  ep;

    while (fgets(line, sizeof(line), stdin) != NULL) {

        host.data = (uint8_t *) line;
        host.len = strcspn(line, "\n");

        printf("%.*s\t", (int) host.len, line);

        if (sigv4_endpoint(host, &ep) != SIGV4_OK) {
            printf("-\t-\t-\n");
            continue;
        }

        printf("%.*s\t%.*s\t%s\n",
               (int) ep.service.len, (char *) ep.service.data,
               (int) ep.region.len, (char *) ep.region.data,
               ep.exact ? "exact" : "-");
    }

    return 0;
}
