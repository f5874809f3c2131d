
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * From the host name of an AWS endpoint to the service and the region that
 * its requests are signed for.
 */


#ifndef _SIGV4_ENDPOINT_H_INCLUDED_
#define _SIGV4_ENDPOINT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "sigv4_crypto.h"


typedef struct {
    sigv4_str_t                   service;  /* static or within the host */
    sigv4_str_t                   region;   /* the same */
    unsigned                      exact:1;
    unsigned                      asymmetric:1;
} sigv4_endpoint_t;


/*
 * Returns SIGV4_OK, or SIGV4_INVALID if the host is not known; then *ep is
 * all zeroes.  The host is in lower case, as a name with upper-case letters
 * is not known: the region may point into it.  A port and one dot at the
 * end are ignored.  It need not be valid in any way.
 *
 * exact: the host belongs to an AWS API to its last label, and it is safe
 * to sign for a host that a client chose.  It is not set if a label is
 * merely guessed to be a service, as in "x.elb.us-east-1.amazonaws.com",
 * which is anyone's, nor if customers of AWS run what answers there and
 * would see the session token: function URLs, API Gateway, AppSync, VPC
 * Lattice, AgentCore gateways, Neptune clusters.
 *
 * asymmetric: the host serves several regions and takes SigV4A only; the
 * region is "*".  There is no signature of SigV4 that it would accept.
 *
 * An empty region means that the host does not tell: S3 Transfer
 * Acceleration needs the region of the bucket.
 */
int sigv4_endpoint(sigv4_str_t host, sigv4_endpoint_t *ep);

/*
 * What follows SERVICE.REGION in host names of the region's partition, with
 * the dot before it; of a region that is not known, that of the partition
 * aws: ".amazonaws.com", and ".api.aws" for hosts with IPv6 addresses too.
 */
sigv4_str_t sigv4_endpoint_region_suffix(sigv4_str_t region, int dualstack);


#endif /* _SIGV4_ENDPOINT_H_INCLUDED_ */
