
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What sigv4_endpoint.c is made of: labels of host names, the suffixes and
 * regions of the partitions, and the names that stand before the region.
 */


#ifndef _SIGV4_ENDPOINT_PARTS_H_INCLUDED_
#define _SIGV4_ENDPOINT_PARTS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "sigv4_crypto.h"


/* the initializer of a sigv4_str_t */
#define sigv4_endpoint_string(s)                                              \
    { sizeof(s) - 1, (const uint8_t *) s }

#define sigv4_endpoint_is(s, text)                                            \
    ((s).len == sizeof(text) - 1                                              \
     && memcmp((s).data, text, sizeof(text) - 1) == 0)

#define sigv4_endpoint_begins(s, text)                                        \
    ((s).len >= sizeof(text) - 1                                              \
     && memcmp((s).data, text, sizeof(text) - 1) == 0)

#define SIGV4_ENDPOINT_LABEL_LEN  63

/* the most labels that a name of the table has */
#define SIGV4_ENDPOINT_LABELS     3

/* what may stand in front of a name; nothing, if no flag is set */
#define SIGV4_ENDPOINT_ID         0x01  /* an account, a cluster, a domain */
#define SIGV4_ENDPOINT_ANY        0x02  /* labels: buckets contain dots */
#define SIGV4_ENDPOINT_IOT        0x04  /* an id, and the service changes */
#define SIGV4_ENDPOINT_CUSTOMERS  0x08  /* run by customers, never exact */

/* the name is one of those that exist below on.aws */
#define SIGV4_ENDPOINT_ON_AWS     0x10

/* where a host without a region is, if not in the partition's default */
#define SIGV4_ENDPOINT_US_WEST_2  0x20
#define SIGV4_ENDPOINT_NO_REGION  0x40
#define SIGV4_ENDPOINT_REGIONS    0x80  /* in several: SigV4A only */


typedef struct {
    sigv4_str_t                   name;
    sigv4_str_t                   service;
    unsigned                      flags;
} sigv4_endpoint_name_t;


/* a suffix of host names: a partition has one or two */
typedef struct {
    sigv4_str_t                   suffix;   /* with the dot before it */
    const sigv4_str_t            *areas;    /* region names begin with them */
    sigv4_str_t                   region;   /* of hosts that carry none */
} sigv4_endpoint_suffix_t;


/* sigv4_endpoint_label.c */

/*
 * Takes off a port and one dot at the end, and refuses what is no name:
 * what remains has neither empty labels nor bytes that names do not have.
 */
int sigv4_endpoint_clean(sigv4_str_t *host);

/* takes off the last label, which is empty if there is none */
sigv4_str_t sigv4_endpoint_pop(sigv4_str_t *labels);

/*
 * A label without the marks of FIPS and dual-stack, empty if it is nothing
 * else, and without the zone of S3 Express: "s3express-fips-use1-az4".
 */
sigv4_str_t sigv4_endpoint_plain(sigv4_str_t label);

int sigv4_endpoint_is_single(sigv4_str_t labels);


/* sigv4_endpoint_partition.c */

/* cuts the suffix off; NULL if it is none of AWS, or if it is all */
const sigv4_endpoint_suffix_t *sigv4_endpoint_cut_suffix(sigv4_str_t *host);

/* "us-east-1": an area of the partition, letters, digits */
int sigv4_endpoint_is_region(sigv4_str_t label,
    const sigv4_endpoint_suffix_t *suffix);


/* sigv4_endpoint_table.c */

/* sorted by name, bytewise */
extern const sigv4_endpoint_name_t  sigv4_endpoint_names[];
extern const size_t                 sigv4_endpoint_nnames;

/* NULL if there is no such name */
const sigv4_endpoint_name_t *sigv4_endpoint_name(sigv4_str_t name);


#endif /* _SIGV4_ENDPOINT_PARTS_H_INCLUDED_ */
