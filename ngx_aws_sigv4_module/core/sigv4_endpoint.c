
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A host name is read from the right, label by label:
 *
 *     bucket . s3 . dualstack . us-east-1 . amazonaws.com
 *     front    name             region      suffix
 *
 * What stands right in front of the suffix tells which of these it is:
 *
 *     a region           regional      bucket.s3.us-east-1, api.ecr.eu-west-1
 *     "vpce"             VPC endpoint  vpce-1a-2b.sqs.us-east-1.vpce
 *     a few names        region first  search-docs.us-east-1.es
 *     any other label    global        iam, bucket.s3, s3-us-west-2
 *
 * Names below on.aws begin with the region, but few belong to an API.
 */


#include <string.h>

#include "sigv4.h"
#include "sigv4_endpoint.h"
#include "sigv4_endpoint_parts.h"


static int sigv4_endpoint_find(sigv4_str_t host, sigv4_endpoint_t *ep);
static int sigv4_endpoint_on_aws(sigv4_str_t labels, sigv4_endpoint_t *ep);
static int sigv4_endpoint_regional(sigv4_str_t labels, sigv4_endpoint_t *ep);
static int sigv4_endpoint_vpce(sigv4_str_t labels, sigv4_endpoint_t *ep);
static int sigv4_endpoint_region_first(sigv4_str_t label, sigv4_str_t front,
    sigv4_endpoint_t *ep);
static int sigv4_endpoint_dash_region(sigv4_str_t labels,
    const sigv4_endpoint_suffix_t *suffix, sigv4_endpoint_t *ep);
static int sigv4_endpoint_global(sigv4_str_t labels,
    const sigv4_endpoint_suffix_t *suffix, sigv4_endpoint_t *ep);
static const sigv4_endpoint_name_t *sigv4_endpoint_lookup(sigv4_str_t labels,
    sigv4_str_t *front);
static void sigv4_endpoint_set_service(const sigv4_endpoint_name_t *name,
    sigv4_str_t front, sigv4_endpoint_t *ep);
static int sigv4_endpoint_guess_service(sigv4_str_t labels,
    sigv4_endpoint_t *ep);


static const sigv4_str_t  sigv4_endpoint_gov_region =
    sigv4_endpoint_string("us-gov-west-1");

static const sigv4_str_t  sigv4_endpoint_west_region =
    sigv4_endpoint_string("us-west-2");

static const sigv4_str_t  sigv4_endpoint_all_regions =
    sigv4_endpoint_string("*");

static const sigv4_str_t  sigv4_endpoint_iot_data =
    sigv4_endpoint_string("iotdata");


int
sigv4_endpoint(sigv4_str_t host, sigv4_endpoint_t *ep)
{
    memset(ep, 0, sizeof(sigv4_endpoint_t));

    if (sigv4_endpoint_clean(&host) != SIGV4_OK
        || sigv4_endpoint_find(host, ep) != SIGV4_OK)
    {
        memset(ep, 0, sizeof(sigv4_endpoint_t));
        return SIGV4_INVALID;
    }

    return SIGV4_OK;
}


static int
sigv4_endpoint_find(sigv4_str_t host, sigv4_endpoint_t *ep)
{
    sigv4_str_t                     label, labels, next;
    const sigv4_endpoint_suffix_t  *suffix;

    suffix = sigv4_endpoint_cut_suffix(&host);

    if (suffix == NULL) {
        return SIGV4_INVALID;
    }

    labels = host;
    label = sigv4_endpoint_pop(&labels);

    if (sigv4_endpoint_is_region(label, suffix)) {
        ep->region = label;

        if (suffix->region.len == 0) {
            return sigv4_endpoint_on_aws(labels, ep);
        }

        return sigv4_endpoint_regional(labels, ep);
    }

    if (suffix->region.len == 0) {
        return SIGV4_INVALID;
    }

    next = sigv4_endpoint_pop(&labels);

    if (sigv4_endpoint_is_region(next, suffix)) {
        ep->region = next;

        if (sigv4_endpoint_is(label, "vpce")) {
            return sigv4_endpoint_vpce(labels, ep);
        }

        if (sigv4_endpoint_region_first(label, labels, ep) == SIGV4_OK) {
            return SIGV4_OK;
        }

        /* a bucket may be called "logs.us-east-1" */
    }

    if (sigv4_endpoint_dash_region(host, suffix, ep) == SIGV4_OK) {
        return SIGV4_OK;
    }

    return sigv4_endpoint_global(host, suffix, ep);
}


/* function URLs, VPC Lattice, dual-stack data planes */

static int
sigv4_endpoint_on_aws(sigv4_str_t labels, sigv4_endpoint_t *ep)
{
    sigv4_str_t                   front;
    const sigv4_endpoint_name_t  *name;

    name = sigv4_endpoint_lookup(labels, &front);

    if (name == NULL || !(name->flags & SIGV4_ENDPOINT_ON_AWS)) {
        return SIGV4_INVALID;
    }

    sigv4_endpoint_set_service(name, front, ep);

    return SIGV4_OK;
}


/* "sqs.us-east-1", "x.s3.dualstack.us-east-1", "api-fips.ecr.us-east-1" */

static int
sigv4_endpoint_regional(sigv4_str_t labels, sigv4_endpoint_t *ep)
{
    sigv4_str_t                   front;
    const sigv4_endpoint_name_t  *name;

    name = sigv4_endpoint_lookup(labels, &front);

    if (name == NULL) {
        return sigv4_endpoint_guess_service(labels, ep);
    }

    sigv4_endpoint_set_service(name, front, ep);

    return SIGV4_OK;
}


/*
 * "vpce-1a-2b.sqs.us-east-1.vpce", "bucket.vpce-1a-2b.s3.us-east-1.vpce".
 * Endpoints of customers' own services have "vpce-svc-3c" for the service.
 */

static int
sigv4_endpoint_vpce(sigv4_str_t labels, sigv4_endpoint_t *ep)
{
    sigv4_str_t                   label, front, before;
    const sigv4_endpoint_name_t  *name;

    before = labels;

    do {
        label = sigv4_endpoint_pop(&before);

        if (label.len == 0 || sigv4_endpoint_begins(label, "vpce-svc-")) {
            return SIGV4_INVALID;
        }

    } while (!sigv4_endpoint_begins(label, "vpce-"));

    /* the service: what stands between that label and the region */

    if (label.data + label.len == labels.data + labels.len) {
        return SIGV4_INVALID;
    }

    labels.len -= label.data + label.len + 1 - labels.data;
    labels.data = label.data + label.len + 1;

    name = sigv4_endpoint_lookup(labels, &front);

    if (name == NULL) {
        return sigv4_endpoint_guess_service(labels, ep);
    }

    if (front.len == 0) {
        sigv4_endpoint_set_service(name, before, ep);
        return SIGV4_OK;
    }

    sigv4_endpoint_set_service(name, front, ep);

    if (before.len) {
        ep->exact = 0;
    }

    return SIGV4_OK;
}


/* "us-east-1.queue", "search-docs.us-east-1.es", "x.y.us-east-1.neptune" */

static int
sigv4_endpoint_region_first(sigv4_str_t label, sigv4_str_t front,
    sigv4_endpoint_t *ep)
{
    size_t                        i, n;
    const sigv4_endpoint_name_t  *name;

    static const sigv4_endpoint_name_t  names[] = {

#define NAME(name, service, flags)                                            \
    { sigv4_endpoint_string(name), sigv4_endpoint_string(service), flags }

        NAME("es", "es", SIGV4_ENDPOINT_ID),
        NAME("aoss", "aoss", SIGV4_ENDPOINT_ID),
        NAME("cloudsearch", "cloudsearch", SIGV4_ENDPOINT_ID),
        NAME("neptune-graph", "neptune-graph", SIGV4_ENDPOINT_ID),
        NAME("neptune", "neptune-db", SIGV4_ENDPOINT_CUSTOMERS),
        NAME("queue", "sqs", 0),
        NAME("rds", "rds", 0),
        NAME("elasticmapreduce", "elasticmapreduce", 0)

#undef NAME

    };

    label = sigv4_endpoint_plain(label);
    n = sizeof(names) / sizeof(names[0]);

    for (i = 0; i < n; i++) {
        name = &names[i];

        if (name->name.len != label.len
            || memcmp(name->name.data, label.data, label.len) != 0)
        {
            continue;
        }

        if (name->flags == SIGV4_ENDPOINT_CUSTOMERS
            ? front.len == 0
            : front.len && !(name->flags && sigv4_endpoint_is_single(front)))
        {
            return SIGV4_INVALID;
        }

        sigv4_endpoint_set_service(name, front, ep);
        return SIGV4_OK;
    }

    return SIGV4_INVALID;
}


/* "bucket.s3-us-west-2", the old form of S3 hosts */

static int
sigv4_endpoint_dash_region(sigv4_str_t labels,
    const sigv4_endpoint_suffix_t *suffix, sigv4_endpoint_t *ep)
{
    size_t                        i;
    sigv4_str_t                   front, label, rest, region;
    const sigv4_endpoint_name_t  *name;

    rest = labels;
    label = sigv4_endpoint_pop(&rest);

    if (!sigv4_endpoint_begins(label, "s3-")) {
        return SIGV4_INVALID;
    }

    for (i = sizeof("s3") - 1; i < label.len; i++) {

        if (label.data[i] != '-') {
            continue;
        }

        region.data = label.data + i + 1;
        region.len = label.len - i - 1;

        if (!sigv4_endpoint_is_region(region, suffix)) {
            continue;
        }

        labels.len -= region.len + 1;
        name = sigv4_endpoint_lookup(labels, &front);

        if (name == NULL) {
            return SIGV4_INVALID;
        }

        ep->region = region;
        sigv4_endpoint_set_service(name, front, ep);

        return SIGV4_OK;
    }

    return SIGV4_INVALID;
}


/* "iam", "budgets.global", "route53.us-gov", "bucket.s3" */

static int
sigv4_endpoint_global(sigv4_str_t labels,
    const sigv4_endpoint_suffix_t *suffix, sigv4_endpoint_t *ep)
{
    sigv4_str_t                   front, label, rest;
    const sigv4_endpoint_name_t  *name;

    ep->region = suffix->region;

    rest = labels;
    label = sigv4_endpoint_pop(&rest);

    if (sigv4_endpoint_is(label, "us-gov")
        && sigv4_endpoint_is_region(sigv4_endpoint_gov_region, suffix))
    {
        ep->region = sigv4_endpoint_gov_region;
        labels = rest;

    } else if (sigv4_endpoint_is(label, "global")) {
        labels = rest;
    }

    name = sigv4_endpoint_lookup(labels, &front);

    if (name == NULL) {
        return SIGV4_INVALID;
    }

    if (name->flags & SIGV4_ENDPOINT_REGIONS) {

        if (name->flags & SIGV4_ENDPOINT_ID
            && !sigv4_endpoint_is_single(front))
        {
            return SIGV4_INVALID;
        }

        ep->asymmetric = 1;
        ep->region = sigv4_endpoint_all_regions;

    } else if (front.len && !(name->flags & SIGV4_ENDPOINT_ANY)) {
        return SIGV4_INVALID;

    } else if (name->flags & SIGV4_ENDPOINT_NO_REGION) {
        ep->region.len = 0;

    } else if (name->flags & SIGV4_ENDPOINT_US_WEST_2
               && sigv4_endpoint_is(ep->region, "us-east-1"))
    {
        ep->region = sigv4_endpoint_west_region;
    }

    sigv4_endpoint_set_service(name, front, ep);

    return SIGV4_OK;
}


/*
 * Finds the longest name of the table that the labels end with, and what
 * stands in front of it.  The marks of FIPS and dual-stack do not count.
 */

static const sigv4_endpoint_name_t *
sigv4_endpoint_lookup(sigv4_str_t labels, sigv4_str_t *front)
{
    size_t                        n;
    uint8_t                      *p, *end;
    sigv4_str_t                   label, key;
    const sigv4_endpoint_name_t  *name, *found;
    uint8_t                       buf[SIGV4_ENDPOINT_LABELS
                                      * (SIGV4_ENDPOINT_LABEL_LEN + 1)];

    found = NULL;
    front->len = 0;
    front->data = labels.data;

    end = buf + sizeof(buf);
    p = end;
    n = 0;

    while (n < SIGV4_ENDPOINT_LABELS && labels.len) {
        label = sigv4_endpoint_plain(sigv4_endpoint_pop(&labels));

        if (label.len == 0) {
            continue;
        }

        if (n++) {
            *--p = '.';
        }

        p -= label.len;
        memcpy(p, label.data, label.len);

        key.data = p;
        key.len = end - p;

        name = sigv4_endpoint_name(key);

        if (name == NULL) {
            continue;
        }

        found = name;
        *front = labels;

        if (name->flags & SIGV4_ENDPOINT_ANY) {
            /* no longer name ends with this one */
            break;
        }
    }

    if (sigv4_endpoint_is(*front, "fips")) {
        front->len = 0;
    }

    return found;
}


/*
 * Decides whether an inferred scope can be trusted with a host that a
 * client chose.  What stands in front of a name is accounted for only where
 * AWS puts ids there.  S3 and OpenSearch are the software of AWS, whoever
 * owns the bucket or the domain.  Hosts whose owner runs what answers get
 * the session token with the request: whoever has a function URL or an API
 * of API Gateway could collect tokens by being named as the host.
 */

static void
sigv4_endpoint_set_service(const sigv4_endpoint_name_t *name,
    sigv4_str_t front, sigv4_endpoint_t *ep)
{
    ep->service = name->service;

    if (name->flags & SIGV4_ENDPOINT_IOT && front.len) {
        /* "iot" is the control plane, "a1b2-ats.iot" shadows and topics */
        ep->service = sigv4_endpoint_iot_data;
    }

    if (name->flags & SIGV4_ENDPOINT_CUSTOMERS) {
        ep->exact = 0;

    } else if (front.len == 0 || name->flags & SIGV4_ENDPOINT_ANY) {
        ep->exact = 1;

    } else {
        ep->exact = name->flags & (SIGV4_ENDPOINT_ID|SIGV4_ENDPOINT_IOT)
                    && sigv4_endpoint_is_single(front);
    }
}


/* a name that is not in the table: most sign as the label is called */

static int
sigv4_endpoint_guess_service(sigv4_str_t labels, sigv4_endpoint_t *ep)
{
    while (labels.len) {
        ep->service = sigv4_endpoint_plain(sigv4_endpoint_pop(&labels));

        if (ep->service.len) {
            return SIGV4_OK;
        }
    }

    return SIGV4_INVALID;
}
