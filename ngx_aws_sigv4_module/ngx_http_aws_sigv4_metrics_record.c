
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_metrics.h"
#include "providers/ngx_http_aws_sigv4_provider.h"


#define NGX_HTTP_AWS_SIGV4_NO_TIME        ((ngx_msec_t) -1)


static ngx_http_aws_sigv4_series_t *ngx_http_aws_sigv4_series_of(
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_uint_t ngx_http_aws_sigv4_series_is(
    ngx_http_aws_sigv4_counted_t *counted, ngx_http_aws_sigv4_ctx_t *ctx);
static void ngx_http_aws_sigv4_count_response(
    ngx_http_aws_sigv4_series_t *series, ngx_http_upstream_state_t *state);
static void ngx_http_aws_sigv4_count_latency(
    ngx_http_aws_sigv4_series_t *series, ngx_uint_t counter,
    ngx_msec_t latency);
static void ngx_http_aws_sigv4_add(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t counter, ngx_uint_t n);


ngx_http_aws_sigv4_metrics_t *
ngx_http_aws_sigv4_metrics(ngx_http_aws_sigv4_main_conf_t *smcf)
{
#if (NGX_HTTP_AWS_SIGV4_NO_COUNTERS)

    /* of "make bench" alone: what counting costs */

    return NULL;

#else

    return smcf->store.zone ? smcf->store.zone->metrics : NULL;

#endif
}


void
ngx_http_aws_sigv4_count(ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t counter,
    ngx_uint_t n)
{
    ngx_http_aws_sigv4_series_t  *series;

    series = ngx_http_aws_sigv4_series_of(ctx);

    if (series != NULL) {
        ngx_http_aws_sigv4_add(series, counter, n);
    }
}


/*
 * A location that always signs for the same remembers where it counts; in
 * others the events of a request do so.
 */

static ngx_http_aws_sigv4_series_t *
ngx_http_aws_sigv4_series_of(ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_str_t                        labels[NGX_HTTP_AWS_SIGV4_LABELS];
    ngx_http_aws_sigv4_metrics_t    *metrics;
    ngx_http_aws_sigv4_loc_conf_t   *slcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    slcf = ctx->conf;

    if (ngx_http_aws_sigv4_series_is(&slcf->counted, ctx)) {
        return slcf->counted.series;
    }

    if (ngx_http_aws_sigv4_series_is(&ctx->counted, ctx)) {
        return ctx->counted.series;
    }

    smcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_aws_sigv4_module);

    metrics = ngx_http_aws_sigv4_metrics(smcf);

    if (metrics == NULL) {
        return NULL;
    }

    labels[0] = slcf->metrics_label;
    labels[1] = ctx->service;
    labels[2] = ctx->region;

    ngx_str_null(&labels[3]);

    if (ctx->provider != NULL) {
        labels[3] = ctx->provider->name;
    }

    ctx->counted.series = ngx_http_aws_sigv4_series(metrics, labels);
    ctx->counted.provider = ctx->provider;
    ctx->counted.location = slcf->metrics_label.data;

    slcf->counted = ctx->counted;

    return ctx->counted.series;
}


static ngx_uint_t
ngx_http_aws_sigv4_series_is(ngx_http_aws_sigv4_counted_t *counted,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    u_char                       *p;
    ngx_str_t                    *service, *region;
    ngx_http_aws_sigv4_series_t  *series;

    series = counted->series;

    if (series == NULL
        || counted->provider != ctx->provider
        || counted->location != ctx->conf->metrics_label.data)
    {
        return 0;
    }

    service = &ctx->service;
    region = &ctx->region;

    p = series->labels + series->len[0];

    return series->len[1] == service->len
           && series->len[2] == region->len
           && ngx_memcmp(p, service->data, service->len) == 0
           && ngx_memcmp(p + service->len, region->data, region->len) == 0;
}


void
ngx_http_aws_sigv4_count_attempts(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_uint_t                    i, none;
    ngx_array_t                  *states;
    ngx_http_upstream_state_t    *state;
    ngx_http_aws_sigv4_series_t  *series;

    states = r->upstream_states;

    if (states == NULL) {
        return;
    }

    series = ngx_http_aws_sigv4_series_of(ctx);

    if (series == NULL) {
        return;
    }

    state = states->elts;
    none = 0;

    for (i = ctx->attempts; i < states->nelts; i++) {

        /* nginx puts an empty one between those of two locations */

        if (state[i].peer == NULL) {
            continue;
        }

        if (state[i].header_time == NGX_HTTP_AWS_SIGV4_NO_TIME) {
            none++;
            continue;
        }

        ngx_http_aws_sigv4_count_response(series, &state[i]);
    }

    /* of what the seal did not let pass nobody could answer anything */

    if (none > ctx->unsent) {
        ngx_http_aws_sigv4_add(series, NGX_HTTP_AWS_SIGV4_COUNT_CLASS,
                               none - ctx->unsent);
    }

    ctx->attempts = states->nelts;
    ctx->unsent = 0;
}


static void
ngx_http_aws_sigv4_count_response(ngx_http_aws_sigv4_series_t *series,
    ngx_http_upstream_state_t *state)
{
    ngx_uint_t  class;

    class = state->status / 100;

    if (class >= NGX_HTTP_AWS_SIGV4_CLASSES) {
        class = 0;
    }

    ngx_http_aws_sigv4_add(series, NGX_HTTP_AWS_SIGV4_COUNT_CLASS + class, 1);

    ngx_http_aws_sigv4_count_latency(series,
                                     NGX_HTTP_AWS_SIGV4_COUNT_FIRST_BYTE,
                                     state->header_time);

    ngx_http_aws_sigv4_count_latency(series, NGX_HTTP_AWS_SIGV4_COUNT_TOTAL,
                                     state->response_time);
}


static void
ngx_http_aws_sigv4_count_latency(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t counter, ngx_msec_t latency)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_BUCKETS - 1; i++) {

        if (latency <= ngx_http_aws_sigv4_bounds[i]) {
            break;
        }
    }

    ngx_http_aws_sigv4_add(series, counter + i, 1);

    if (latency != 0) {
        ngx_http_aws_sigv4_add(series, counter + NGX_HTTP_AWS_SIGV4_BUCKETS,
                               latency);
    }
}


void
ngx_http_aws_sigv4_count_key(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_uint_t hit)
{
    ngx_http_aws_sigv4_metrics_t  *metrics;

    metrics = ngx_http_aws_sigv4_metrics(smcf);

    if (metrics != NULL) {
        (void) ngx_atomic_fetch_add(hit ? &metrics->key_hits
                                        : &metrics->key_misses, 1);
    }
}


static void
ngx_http_aws_sigv4_add(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t counter, ngx_uint_t n)
{
    (void) ngx_atomic_fetch_add(&series->counters[counter], n);
}
