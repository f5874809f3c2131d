
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_metrics.h"


ngx_str_t  ngx_http_aws_sigv4_label_names[] = {
    ngx_string("location"),
    ngx_string("service"),
    ngx_string("region"),
    ngx_string("provider")
};


ngx_msec_t  ngx_http_aws_sigv4_bounds[] = {
    5, 10, 25, 50, 100, 250, 500, 1000, 1500, 2500, 5000, 10000, 30000, 60000
};


ngx_str_t  ngx_http_aws_sigv4_bound_names[] = {
    ngx_string("0.005"),
    ngx_string("0.01"),
    ngx_string("0.025"),
    ngx_string("0.05"),
    ngx_string("0.1"),
    ngx_string("0.25"),
    ngx_string("0.5"),
    ngx_string("1"),
    ngx_string("1.5"),
    ngx_string("2.5"),
    ngx_string("5"),
    ngx_string("10"),
    ngx_string("30"),
    ngx_string("60"),
    ngx_string("+Inf")
};


static ngx_str_t  ngx_http_aws_sigv4_classes[] = {
    ngx_string("none"),
    ngx_string("1xx"),
    ngx_string("2xx"),
    ngx_string("3xx"),
    ngx_string("4xx"),
    ngx_string("5xx")
};


static ngx_uint_t  ngx_http_aws_sigv4_class_counters[] = {
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 1,
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 2,
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 3,
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 4,
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 5,
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS
};


#define ngx_http_aws_sigv4_count_status(status)                               \
    (NGX_HTTP_AWS_SIGV4_COUNT_STATUS + NGX_HTTP_AWS_SIGV4_##status)


/* what a request cannot have */
static ngx_uint_t  ngx_http_aws_sigv4_refused_counters[] = {
    ngx_http_aws_sigv4_count_status(DENIED),
    ngx_http_aws_sigv4_count_status(BAD_REQUEST),
    ngx_http_aws_sigv4_count_status(BAD_BODY),
    ngx_http_aws_sigv4_count_status(BAD_HOST),
    ngx_http_aws_sigv4_count_status(HOST_NOT_ALLOWED),
    ngx_http_aws_sigv4_count_status(BAD_PAYLOAD),
    ngx_http_aws_sigv4_count_status(CHUNK_SIGNED)
};


/* what this side cannot do */
static ngx_uint_t  ngx_http_aws_sigv4_failed_counters[] = {
    ngx_http_aws_sigv4_count_status(HOOK_ERROR),
    ngx_http_aws_sigv4_count_status(NO_SERVICE),
    ngx_http_aws_sigv4_count_status(NO_REGION),
    ngx_http_aws_sigv4_count_status(BAD_SCOPE),
    ngx_http_aws_sigv4_count_status(NO_PROVIDER),
    ngx_http_aws_sigv4_count_status(NO_CREDENTIALS),
    ngx_http_aws_sigv4_count_status(NOT_SEALED),
    ngx_http_aws_sigv4_count_status(ERROR)
};


#define ngx_http_aws_sigv4_one(counter)                                       \
    counter, NULL, NULL, 1, 0

#define ngx_http_aws_sigv4_by(label, counters)                                \
    0, label, counters, sizeof(counters) / sizeof(ngx_uint_t), 0


ngx_http_aws_sigv4_family_t  ngx_http_aws_sigv4_families[] = {

    { ngx_string("requests_signed_total"),
      "Requests signed in the access phase.",
      ngx_http_aws_sigv4_one(NGX_HTTP_AWS_SIGV4_COUNT_SIGNED) },

    { ngx_string("requests_resigned_total"),
      "Requests signed again by the seal, because others were sent.",
      ngx_http_aws_sigv4_one(NGX_HTTP_AWS_SIGV4_COUNT_RESIGNED) },

    { ngx_string("requests_refused_total"),
      "Requests that were answered here because of what they are.",
      ngx_http_aws_sigv4_by("reason", ngx_http_aws_sigv4_refused_counters) },

    { ngx_string("requests_failed_total"),
      "Requests that could not be signed.",
      ngx_http_aws_sigv4_by("reason", ngx_http_aws_sigv4_failed_counters) },

    { ngx_string("upstream_responses_total"),
      "Attempts by the class of the response, none if there was none.",
      ngx_http_aws_sigv4_by("class", ngx_http_aws_sigv4_class_counters) },

    { ngx_string("4xx_error_count_total"),
      "Responses of the upstream with a status of 4xx.",
      ngx_http_aws_sigv4_one(NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 4) },

    { ngx_string("5xx_error_count_total"),
      "Responses of the upstream with a status of 5xx.",
      ngx_http_aws_sigv4_one(NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 5) },

    { ngx_string("request_latency_first_byte_seconds"),
      "Time from the attempt to the header of the response.",
      NGX_HTTP_AWS_SIGV4_COUNT_FIRST_BYTE, NULL, NULL, 1, 1 },

    { ngx_string("request_latency_seconds"),
      "Time from the attempt to the end of the response.",
      NGX_HTTP_AWS_SIGV4_COUNT_TOTAL, NULL, NULL, 1, 1 },

    { ngx_string("payload_hashed_bytes_total"),
      "Bytes of bodies that were hashed.",
      ngx_http_aws_sigv4_one(NGX_HTTP_AWS_SIGV4_COUNT_HASHED) },

    { ngx_null_string, NULL, ngx_http_aws_sigv4_one(0) }
};


ngx_str_t *
ngx_http_aws_sigv4_counter_name(ngx_uint_t counter)
{
    if (counter >= NGX_HTTP_AWS_SIGV4_COUNT_STATUS) {
        return ngx_http_aws_sigv4_status_name(counter
                                          - NGX_HTTP_AWS_SIGV4_COUNT_STATUS);
    }

    return &ngx_http_aws_sigv4_classes[counter
                                       - NGX_HTTP_AWS_SIGV4_COUNT_CLASS];
}


/* the number of all is that of the last bucket, whoever counts meanwhile */

void
ngx_http_aws_sigv4_histogram(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t counter, ngx_http_aws_sigv4_histogram_t *h)
{
    ngx_uint_t          i;
    ngx_atomic_t       *buckets;
    ngx_atomic_uint_t   n;

    buckets = &series->counters[counter];
    n = 0;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_BUCKETS; i++) {
        n += buckets[i];
        h->buckets[i] = n;
    }

    h->sum = buckets[NGX_HTTP_AWS_SIGV4_BUCKETS];
}
