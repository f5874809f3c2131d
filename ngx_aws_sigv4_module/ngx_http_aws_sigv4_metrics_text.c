
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_status.h"


typedef struct {
    ngx_http_aws_sigv4_main_conf_t  *smcf;
    ngx_http_aws_sigv4_metrics_t    *metrics;
    ngx_http_aws_sigv4_out_t        *out;
    ngx_str_t                       *labels;    /* of each series */
    ngx_uint_t                       n;
} ngx_http_aws_sigv4_text_t;


typedef void (*ngx_http_aws_sigv4_text_pt)(ngx_http_aws_sigv4_text_t *text);


static ngx_int_t ngx_http_aws_sigv4_text_labels(
    ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_head(ngx_http_aws_sigv4_out_t *out,
    char *name, char *type, char *help);
static void ngx_http_aws_sigv4_text_series(ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_family(ngx_http_aws_sigv4_text_t *text,
    ngx_http_aws_sigv4_family_t *family, ngx_uint_t n);
static void ngx_http_aws_sigv4_text_histogram(
    ngx_http_aws_sigv4_text_t *text, ngx_http_aws_sigv4_family_t *family,
    ngx_uint_t n);
static void ngx_http_aws_sigv4_text_causes(ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_clocks(ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_alarms(ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_common(ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_providers(
    ngx_http_aws_sigv4_text_t *text);
static void ngx_http_aws_sigv4_text_provider(ngx_http_aws_sigv4_text_t *text,
    char *name, ngx_http_aws_sigv4_provider_state_t *state);


/* each writes metrics of its own */

static ngx_http_aws_sigv4_text_pt  ngx_http_aws_sigv4_texts[] = {
    ngx_http_aws_sigv4_text_series,
    ngx_http_aws_sigv4_text_causes,
    ngx_http_aws_sigv4_text_clocks,
    ngx_http_aws_sigv4_text_alarms,
    ngx_http_aws_sigv4_text_common,
    ngx_http_aws_sigv4_text_providers,
    NULL
};


void
ngx_http_aws_sigv4_metrics_text(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                 i;
    ngx_http_aws_sigv4_text_t  text;

    text.smcf = smcf;
    text.metrics = ngx_http_aws_sigv4_metrics(smcf);
    text.out = out;

    if (ngx_http_aws_sigv4_text_labels(&text) != NGX_OK) {
        out->failed = 1;
        return;
    }

    for (i = 0; ngx_http_aws_sigv4_texts[i] != NULL; i++) {
        ngx_http_aws_sigv4_texts[i](&text);
    }
}


/* made once for all the lines of a series */

static ngx_int_t
ngx_http_aws_sigv4_text_labels(ngx_http_aws_sigv4_text_t *text)
{
    u_char                       *p;
    size_t                        size;
    ngx_str_t                     label;
    ngx_uint_t                    i, n;
    sigv4_buf_t                   buf;
    ngx_http_aws_sigv4_series_t  *series;

    text->n = text->metrics ? ngx_http_aws_sigv4_series_used(text->metrics) + 1
                            : 0;

    text->labels = ngx_pcalloc(text->out->pool,
                               (text->n + 1) * sizeof(ngx_str_t));
    if (text->labels == NULL) {
        return NGX_ERROR;
    }

    for (n = 0; n < text->n; n++) {
        series = ngx_http_aws_sigv4_series_at(text->metrics, n);

        if (series == NULL) {
            continue;
        }

        size = sizeof("location=\"\",service=\"\",region=\"\",provider=\"\"")
               + SIGV4_ESCAPE_GROWTH * NGX_HTTP_AWS_SIGV4_LABELS_LEN;

        p = ngx_pnalloc(text->out->pool, size);
        if (p == NULL) {
            return NGX_ERROR;
        }

        buf.last = p;
        buf.end = p + size;

        for (i = 0; i < NGX_HTTP_AWS_SIGV4_LABELS; i++) {
            ngx_http_aws_sigv4_series_label(series, i, &label);

            buf.last = ngx_sprintf(buf.last, "%s%V=\"", i ? "," : "",
                                   &ngx_http_aws_sigv4_label_names[i]);

            (void) sigv4_escape(SIGV4_ESCAPE_LABEL,
                                ngx_http_aws_sigv4_str(&label), &buf);
            *buf.last++ = '"';
        }

        text->labels[n].data = p;
        text->labels[n].len = buf.last - p;
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_text_head(ngx_http_aws_sigv4_out_t *out, char *name,
    char *type, char *help)
{
    ngx_http_aws_sigv4_out(out, "# HELP aws_sigv4_%s %s\n"
                                "# TYPE aws_sigv4_%s %s\n",
                           name, help, name, type);
}


static void
ngx_http_aws_sigv4_text_series(ngx_http_aws_sigv4_text_t *text)
{
    ngx_uint_t                    n;
    ngx_http_aws_sigv4_family_t  *family;

    for (family = ngx_http_aws_sigv4_families; family->name.len; family++) {

        ngx_http_aws_sigv4_text_head(text->out, (char *) family->name.data,
                                     family->histogram ? "histogram"
                                                       : "counter",
                                     family->help);

        for (n = 0; n < text->n; n++) {

            if (text->labels[n].len == 0) {
                continue;
            }

            if (family->histogram) {
                ngx_http_aws_sigv4_text_histogram(text, family, n);

            } else {
                ngx_http_aws_sigv4_text_family(text, family, n);
            }
        }
    }
}


static void
ngx_http_aws_sigv4_text_family(ngx_http_aws_sigv4_text_t *text,
    ngx_http_aws_sigv4_family_t *family, ngx_uint_t n)
{
    ngx_uint_t     i;
    ngx_atomic_t  *counters;

    counters = text->metrics->series[n].counters;

    if (family->label == NULL) {
        ngx_http_aws_sigv4_out(text->out, "aws_sigv4_%V{%V} %uA\n",
                               &family->name, &text->labels[n],
                               counters[family->counter]);
        return;
    }

    for (i = 0; i < family->n; i++) {
        ngx_http_aws_sigv4_out(text->out,
                               "aws_sigv4_%V{%V,%s=\"%V\"} %uA\n",
                               &family->name, &text->labels[n],
                               family->label,
                               ngx_http_aws_sigv4_counter_name(
                                   family->counters[i]),
                               counters[family->counters[i]]);
    }
}


static void
ngx_http_aws_sigv4_text_histogram(ngx_http_aws_sigv4_text_t *text,
    ngx_http_aws_sigv4_family_t *family, ngx_uint_t n)
{
    ngx_uint_t                      i;
    ngx_http_aws_sigv4_histogram_t  h;

    ngx_http_aws_sigv4_histogram(&text->metrics->series[n], family->counter,
                                 &h);

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_BUCKETS; i++) {
        ngx_http_aws_sigv4_out(text->out,
                               "aws_sigv4_%V_bucket{%V,le=\"%V\"} %uA\n",
                               &family->name, &text->labels[n],
                               &ngx_http_aws_sigv4_bound_names[i],
                               h.buckets[i]);
    }

    ngx_http_aws_sigv4_out(text->out, "aws_sigv4_%V_sum{%V} %uA.%03uA\n",
                           &family->name, &text->labels[n],
                           h.sum / 1000, h.sum % 1000);

    ngx_http_aws_sigv4_out(text->out, "aws_sigv4_%V_count{%V} %uA\n",
                           &family->name, &text->labels[n],
                           h.buckets[NGX_HTTP_AWS_SIGV4_BUCKETS - 1]);
}


static void
ngx_http_aws_sigv4_text_causes(ngx_http_aws_sigv4_text_t *text)
{
    ngx_uint_t  i;

    ngx_http_aws_sigv4_text_head(text->out, "cause_total", "counter",
                                 "Requests that AWS has refused.");

    for (i = SIGV4_CAUSE_NONE + 1; i < SIGV4_CAUSES; i++) {
        ngx_http_aws_sigv4_out(text->out,
                               "aws_sigv4_cause_total{cause=\"%s\"} %uA\n",
                               sigv4_cause_word(i),
                               ngx_http_aws_sigv4_cause_counted(text->smcf,
                                                                i));
    }
}


static void
ngx_http_aws_sigv4_text_clocks(ngx_http_aws_sigv4_text_t *text)
{
    u_char      data[NGX_HTTP_AWS_SIGV4_CLOCK_HOST];
    time_t      skew;
    ngx_str_t   host;
    ngx_uint_t  i;

    ngx_http_aws_sigv4_text_head(text->out, "clock_skew_seconds", "gauge",
                                 "How far the clock of a host is ahead.");

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CLOCKS; i++) {
        host.data = data;

        skew = ngx_http_aws_sigv4_clock_at(text->smcf, i, &host);

        if (skew != 0) {
            ngx_http_aws_sigv4_out(text->out,
                                   "aws_sigv4_clock_skew_seconds{host=\"");
            ngx_http_aws_sigv4_out_escaped(text->out, SIGV4_ESCAPE_LABEL,
                                           &host);
            ngx_http_aws_sigv4_out(text->out, "\"} %T\n", skew);
        }
    }
}


static void
ngx_http_aws_sigv4_text_alarms(ngx_http_aws_sigv4_text_t *text)
{
    ngx_uint_t                        n;
    ngx_http_aws_sigv4_alarm_shown_t  alarm;

    ngx_http_aws_sigv4_text_head(text->out, "alarm_state", "gauge",
                                 "1 if the last window was above the "
                                 "threshold.");

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {

        if (ngx_http_aws_sigv4_alarm_at(text->smcf, n, &alarm) == NGX_OK) {
            ngx_http_aws_sigv4_out(text->out,
                                   "aws_sigv4_alarm_state{metric=\"%V\"} "
                                   "%ui\n", alarm.name, alarm.raised);
        }
    }
}


static void
ngx_http_aws_sigv4_text_common(ngx_http_aws_sigv4_text_t *text)
{
    ngx_http_aws_sigv4_out_t      *out;
    ngx_http_aws_sigv4_metrics_t  *m;

    out = text->out;
    m = text->metrics;

    if (m != NULL) {
        ngx_http_aws_sigv4_text_head(out, "key_cache_hits_total", "counter",
                                     "Signing keys that were in the cache.");
        ngx_http_aws_sigv4_out(out, "aws_sigv4_key_cache_hits_total %uA\n",
                               m->key_hits);

        ngx_http_aws_sigv4_text_head(out, "key_cache_misses_total",
                                     "counter",
                                     "Signing keys that were derived.");
        ngx_http_aws_sigv4_out(out, "aws_sigv4_key_cache_misses_total %uA\n",
                               m->key_misses);

        ngx_http_aws_sigv4_text_head(out, "series", "gauge",
                                     "Series of labels that there are.");
        ngx_http_aws_sigv4_out(out, "aws_sigv4_series %ui\n",
                               ngx_http_aws_sigv4_series_used(m));

        ngx_http_aws_sigv4_text_head(out, "series_limit", "gauge",
                                     "Series that there is memory for.");
        ngx_http_aws_sigv4_out(out, "aws_sigv4_series_limit %ui\n",
                               m->limit - 1);

        ngx_http_aws_sigv4_text_head(out, "series_overflow_total", "counter",
                                     "Events that found no series.");
        ngx_http_aws_sigv4_out(out, "aws_sigv4_series_overflow_total %uA\n",
                               m->overflow);
    }

    ngx_http_aws_sigv4_text_head(out, "build_info", "gauge",
                                 "Versions, the value is 1.");
    ngx_http_aws_sigv4_out(out, "aws_sigv4_build_info{version=\"%s\","
                                "nginx=\"%s\"} 1\n",
                           NGX_HTTP_AWS_SIGV4_VERSION, NGINX_VERSION);
}


static void
ngx_http_aws_sigv4_text_providers(ngx_http_aws_sigv4_text_t *text)
{
    ngx_uint_t                            i, n, k;
    ngx_http_aws_sigv4_out_t             *out;
    ngx_http_aws_sigv4_provider_state_t  *states, *state;

    static struct {
        char  *name;
        char  *type;
        char  *help;
    }  families[] = {
        { "provider_expiry_seconds", "gauge",
          "Seconds until the credentials expire, absent if they do not." },
        { "provider_age_seconds", "gauge",
          "Seconds since the credentials were fetched or read." },
        { "provider_available", "gauge",
          "Whether there are credentials that have not expired." },
        { "provider_refreshes_total", "counter",
          "Attempts to fetch credentials." },
        { "provider_failures_total", "counter",
          "Attempts that failed." },
        { "provider_last_error_info", "gauge",
          "Why there are no newer credentials, the value is 1." }
    };

    out = text->out;

    states = ngx_http_aws_sigv4_provider_states(text->smcf, out, &n);

    for (k = 0; k < sizeof(families) / sizeof(families[0]); k++) {

        ngx_http_aws_sigv4_text_head(out, families[k].name, families[k].type,
                                     families[k].help);

        for (i = 0; i < n; i++) {
            state = &states[i];

            if ((k == 0 && state->expires == 0)
                || (k == 1 && state->age == -1)
                || (k == 5 && state->error.len == 0))
            {
                continue;
            }

            ngx_http_aws_sigv4_text_provider(text, families[k].name, state);

            if (k == 5) {
                ngx_http_aws_sigv4_out(out, ",error=\"");
                ngx_http_aws_sigv4_out_escaped(out, SIGV4_ESCAPE_LABEL,
                                               &state->error);
                ngx_http_aws_sigv4_out(out, "\"");
            }

            ngx_http_aws_sigv4_out(out, "} %T\n",
                                   k == 0 ? state->expires - ngx_time()
                                   : k == 1 ? state->age
                                   : k == 2 ? (time_t) state->available
                                   : k == 3 ? (time_t) state->fetches
                                   : k == 4 ? (time_t) state->failures
                                   : (time_t) 1);
        }
    }
}


static void
ngx_http_aws_sigv4_text_provider(ngx_http_aws_sigv4_text_t *text, char *name,
    ngx_http_aws_sigv4_provider_state_t *state)
{
    ngx_http_aws_sigv4_out(text->out, "aws_sigv4_%s{provider=\"", name);
    ngx_http_aws_sigv4_out_escaped(text->out, SIGV4_ESCAPE_LABEL,
                                   &state->name);
    ngx_http_aws_sigv4_out(text->out, "\",source=\"%V\"", &state->source);
}
