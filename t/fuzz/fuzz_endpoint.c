
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for a host name.  What is answered must point into the host or
 * to static memory, an exact host must belong to AWS, and a port must make
 * no difference.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4.h"
#include "sigv4_endpoint.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(sigv4_str_t host, int rc, const sigv4_endpoint_t *ep);
static int is_name(sigv4_str_t s);
static int belongs_to_aws(sigv4_str_t host);
static int same(sigv4_str_t a, sigv4_str_t b);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               rc;
    uint8_t          *copy;
    sigv4_str_t       host;
    sigv4_endpoint_t  ep, with_port;

    host.data = data;
    host.len = size;

    rc = sigv4_endpoint(host, &ep);
    check(host, rc, &ep);

    if (memchr(data, ':', size) != NULL) {
        return 0;
    }

    copy = malloc(size + 4);

    if (copy == NULL) {
        return 0;
    }

    memcpy(copy, data, size);
    memcpy(copy + size, ":443", 4);

    host.data = copy;
    host.len = size + 4;

    if (sigv4_endpoint(host, &with_port) != rc
        || !same(ep.service, with_port.service)
        || !same(ep.region, with_port.region)
        || ep.exact != with_port.exact
        || ep.asymmetric != with_port.asymmetric)
    {
        abort();
    }

    free(copy);

    return 0;
}


static void
check(sigv4_str_t host, int rc, const sigv4_endpoint_t *ep)
{
    if (rc != SIGV4_OK) {

        if (rc != SIGV4_INVALID || ep->service.len || ep->region.len
            || ep->exact || ep->asymmetric)
        {
            abort();
        }

        return;
    }

    if (ep->service.len == 0 || !is_name(ep->service) || !is_name(ep->region)
        || !belongs_to_aws(host))
    {
        abort();
    }
}


/* reading it is what shows whether it points to where it may */

static int
is_name(sigv4_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {

        if (!(s.data[i] >= 'a' && s.data[i] <= 'z')
            && !(s.data[i] >= '0' && s.data[i] <= '9')
            && !(s.data[i] >= 'A' && s.data[i] <= 'Z')
            && memchr("-_*", s.data[i], 3) == NULL)
        {
            return 0;
        }
    }

    return 1;
}


static int
belongs_to_aws(sigv4_str_t host)
{
    size_t  i, len;

    static const char  *suffixes[] = {
        ".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu",
        ".amazonwebservices.com.cn", ".amazonwebservices.eu", ".aws",
        ".ic.gov", ".sgov.gov", ".aws.scloud", ".adc-e.uk"
    };

    while (host.len && host.data[host.len - 1] >= '0'
           && host.data[host.len - 1] <= '9')
    {
        host.len--;
    }

    if (host.len && host.data[host.len - 1] == ':') {
        host.len--;
    }

    if (host.len && host.data[host.len - 1] == '.') {
        host.len--;
    }

    for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        len = strlen(suffixes[i]);

        if (host.len > len
            && memcmp(host.data + host.len - len, suffixes[i], len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
same(sigv4_str_t a, sigv4_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
