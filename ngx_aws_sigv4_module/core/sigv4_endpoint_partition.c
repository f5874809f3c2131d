
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "sigv4_endpoint.h"
#include "sigv4_endpoint_parts.h"


/*
 * The partitions of AWS: the names that their hosts end with, how the names
 * of their regions begin, and the region of hosts that carry none.
 */

static const sigv4_str_t  sigv4_endpoint_aws[] = {
    sigv4_endpoint_string("us"),
    sigv4_endpoint_string("eu"),
    sigv4_endpoint_string("ap"),
    sigv4_endpoint_string("sa"),
    sigv4_endpoint_string("ca"),
    sigv4_endpoint_string("me"),
    sigv4_endpoint_string("af"),
    sigv4_endpoint_string("il"),
    sigv4_endpoint_string("mx"),
    sigv4_endpoint_string("us-gov"),
    { 0, NULL }
};

static const sigv4_str_t  sigv4_endpoint_cn[] = {
    sigv4_endpoint_string("cn"),
    { 0, NULL }
};

static const sigv4_str_t  sigv4_endpoint_eusc[] = {
    sigv4_endpoint_string("eusc-de"),
    { 0, NULL }
};

static const sigv4_str_t  sigv4_endpoint_iso[] = {
    sigv4_endpoint_string("us-iso"),
    { 0, NULL }
};

static const sigv4_str_t  sigv4_endpoint_isob[] = {
    sigv4_endpoint_string("us-isob"),
    { 0, NULL }
};

static const sigv4_str_t  sigv4_endpoint_isoe[] = {
    sigv4_endpoint_string("eu-isoe"),
    { 0, NULL }
};

static const sigv4_str_t  sigv4_endpoint_isof[] = {
    sigv4_endpoint_string("us-isof"),
    { 0, NULL }
};

/*
 * Each begins with a dot and none ends another; of a partition the suffix
 * comes first that all its APIs have, and next that of dual-stack hosts.
 */

static const sigv4_endpoint_suffix_t  sigv4_endpoint_suffixes[] = {

#define SUFFIX(suffix, areas, region)                                         \
    { sigv4_endpoint_string(suffix), areas, sigv4_endpoint_string(region) }

    SUFFIX(".amazonaws.com", sigv4_endpoint_aws, "us-east-1"),
    SUFFIX(".api.aws", sigv4_endpoint_aws, "us-east-1"),
    SUFFIX(".amazonaws.com.cn", sigv4_endpoint_cn, "cn-northwest-1"),
    SUFFIX(".api.amazonwebservices.com.cn", sigv4_endpoint_cn,
           "cn-northwest-1"),
    SUFFIX(".amazonaws.eu", sigv4_endpoint_eusc, "eusc-de-east-1"),
    SUFFIX(".api.amazonwebservices.eu", sigv4_endpoint_eusc,
           "eusc-de-east-1"),
    SUFFIX(".c2s.ic.gov", sigv4_endpoint_iso, "us-iso-east-1"),
    SUFFIX(".api.aws.ic.gov", sigv4_endpoint_iso, "us-iso-east-1"),
    SUFFIX(".sc2s.sgov.gov", sigv4_endpoint_isob, "us-isob-east-1"),
    SUFFIX(".api.aws.scloud", sigv4_endpoint_isob, "us-isob-east-1"),
    SUFFIX(".cloud.adc-e.uk", sigv4_endpoint_isoe, "eu-isoe-west-1"),
    SUFFIX(".api.cloud-aws.adc-e.uk", sigv4_endpoint_isoe,
           "eu-isoe-west-1"),
    SUFFIX(".csp.hci.ic.gov", sigv4_endpoint_isof, "us-isof-south-1"),
    SUFFIX(".api.aws.hci.ic.gov", sigv4_endpoint_isof, "us-isof-south-1"),

    /* always with a region; what else is below it is no API */
    SUFFIX(".on.aws", sigv4_endpoint_aws, "")

#undef SUFFIX

};


const sigv4_endpoint_suffix_t *
sigv4_endpoint_cut_suffix(sigv4_str_t *host)
{
    size_t                          i, n;
    const sigv4_str_t              *suffix;

    n = sizeof(sigv4_endpoint_suffixes) / sizeof(sigv4_endpoint_suffixes[0]);

    for (i = 0; i < n; i++) {
        suffix = &sigv4_endpoint_suffixes[i].suffix;

        if (host->len > suffix->len
            && memcmp(host->data + host->len - suffix->len, suffix->data,
                      suffix->len)
               == 0)
        {
            host->len -= suffix->len;
            return &sigv4_endpoint_suffixes[i];
        }
    }

    return NULL;
}


int
sigv4_endpoint_is_region(sigv4_str_t label,
    const sigv4_endpoint_suffix_t *suffix)
{
    size_t              n, end;
    const sigv4_str_t  *area;

    n = label.len;

    while (n > 0 && label.data[n - 1] >= '0' && label.data[n - 1] <= '9') {
        n--;
    }

    if (n == 0 || n == label.len || label.data[n - 1] != '-') {
        return 0;
    }

    end = --n;

    while (n > 0 && label.data[n - 1] >= 'a' && label.data[n - 1] <= 'z') {
        n--;
    }

    if (n == 0 || n == end || label.data[n - 1] != '-') {
        return 0;
    }

    n--;

    for (area = suffix->areas; area->len; area++) {
        if (area->len == n && memcmp(area->data, label.data, n) == 0) {
            return 1;
        }
    }

    return 0;
}


sigv4_str_t
sigv4_endpoint_region_suffix(sigv4_str_t region, int dualstack)
{
    size_t  i, n;

    dualstack = (dualstack != 0);

    n = sizeof(sigv4_endpoint_suffixes) / sizeof(sigv4_endpoint_suffixes[0]);

    for (i = 0; i < n; i++) {
        if (sigv4_endpoint_is_region(region, &sigv4_endpoint_suffixes[i])) {
            return sigv4_endpoint_suffixes[i + dualstack].suffix;
        }
    }

    return sigv4_endpoint_suffixes[dualstack].suffix;
}
