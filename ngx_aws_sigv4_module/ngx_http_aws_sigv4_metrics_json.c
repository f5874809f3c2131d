
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_status.h"


typedef void (*ngx_http_aws_sigv4_json_pt)(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);


static void ngx_http_aws_sigv4_json_build(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_series(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_one(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_family(
    ngx_http_aws_sigv4_series_t *series, ngx_http_aws_sigv4_family_t *family,
    ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_histogram(
    ngx_http_aws_sigv4_series_t *series, ngx_uint_t counter,
    ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_causes(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_clocks(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_alarms(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_common(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_providers(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_json_str(ngx_http_aws_sigv4_out_t *out,
    ngx_str_t *s);


/* each writes members of its own */

static ngx_http_aws_sigv4_json_pt  ngx_http_aws_sigv4_jsons[] = {
    ngx_http_aws_sigv4_json_build,
    ngx_http_aws_sigv4_json_series,
    ngx_http_aws_sigv4_json_causes,
    ngx_http_aws_sigv4_json_clocks,
    ngx_http_aws_sigv4_json_alarms,
    ngx_http_aws_sigv4_json_common,
    ngx_http_aws_sigv4_json_providers,
    NULL
};


void
ngx_http_aws_sigv4_metrics_json(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_aws_sigv4_jsons[i] != NULL; i++) {
        ngx_http_aws_sigv4_out(out, i ? ",\n" : "{\n");
        ngx_http_aws_sigv4_jsons[i](smcf, out);
    }

    ngx_http_aws_sigv4_out(out, "\n}\n");
}


static void
ngx_http_aws_sigv4_json_build(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_http_aws_sigv4_out(out, "\"build\": {\"version\": \"%s\", "
                                "\"nginx\": \"%s\"}",
                           NGX_HTTP_AWS_SIGV4_VERSION, NGINX_VERSION);
}


static void
ngx_http_aws_sigv4_json_series(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    char                          *separator;
    ngx_uint_t                     i, n;
    ngx_http_aws_sigv4_series_t   *series;
    ngx_http_aws_sigv4_metrics_t  *m;

    m = ngx_http_aws_sigv4_metrics(smcf);
    n = m ? ngx_http_aws_sigv4_series_used(m) + 1 : 0;

    ngx_http_aws_sigv4_out(out, "\"series\": [");

    separator = "";

    for (i = 0; i < n; i++) {
        series = ngx_http_aws_sigv4_series_at(m, i);

        if (series != NULL) {
            ngx_http_aws_sigv4_out(out, "%s\n{", separator);
            ngx_http_aws_sigv4_json_one(series, out);
            ngx_http_aws_sigv4_out(out, "}");

            separator = ",";
        }
    }

    ngx_http_aws_sigv4_out(out, "]");
}


static void
ngx_http_aws_sigv4_json_one(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_str_t                     label;
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_family_t  *family;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_LABELS; i++) {
        ngx_http_aws_sigv4_series_label(series, i, &label);

        ngx_http_aws_sigv4_out(out, "%s\"%V\": ", i ? ", " : "",
                               &ngx_http_aws_sigv4_label_names[i]);
        ngx_http_aws_sigv4_json_str(out, &label);
    }

    for (family = ngx_http_aws_sigv4_families; family->name.len; family++) {
        ngx_http_aws_sigv4_out(out, ",\n \"%V\": ", &family->name);
        ngx_http_aws_sigv4_json_family(series, family, out);
    }
}


static void
ngx_http_aws_sigv4_json_family(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_family_t *family, ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t  i;

    if (family->histogram) {
        ngx_http_aws_sigv4_json_histogram(series, family->counter, out);
        return;
    }

    if (family->label == NULL) {
        ngx_http_aws_sigv4_out(out, "%uA", series->counters[family->counter]);
        return;
    }

    for (i = 0; i < family->n; i++) {
        ngx_http_aws_sigv4_out(out, "%s\"%V\": %uA", i ? ", " : "{",
                               ngx_http_aws_sigv4_counter_name(
                                   family->counters[i]),
                               series->counters[family->counters[i]]);
    }

    ngx_http_aws_sigv4_out(out, "}");
}


static void
ngx_http_aws_sigv4_json_histogram(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t counter, ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                      i;
    ngx_http_aws_sigv4_histogram_t  h;

    ngx_http_aws_sigv4_histogram(series, counter, &h);

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_BUCKETS; i++) {
        ngx_http_aws_sigv4_out(out, "%s\"%V\": %uA",
                               i ? ", " : "{\"buckets\": {",
                               &ngx_http_aws_sigv4_bound_names[i],
                               h.buckets[i]);
    }

    ngx_http_aws_sigv4_out(out, "}, \"sum\": %uA.%03uA, \"count\": %uA}",
                           h.sum / 1000, h.sum % 1000,
                           h.buckets[NGX_HTTP_AWS_SIGV4_BUCKETS - 1]);
}


static void
ngx_http_aws_sigv4_json_causes(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t  i;

    ngx_http_aws_sigv4_out(out, "\"cause_total\": {");

    for (i = SIGV4_CAUSE_NONE + 1; i < SIGV4_CAUSES; i++) {
        ngx_http_aws_sigv4_out(out, "%s\"%s\": %uA",
                               i == SIGV4_CAUSE_NONE + 1 ? "" : ", ",
                               sigv4_cause_word(i),
                               ngx_http_aws_sigv4_cause_counted(smcf, i));
    }

    ngx_http_aws_sigv4_out(out, "}");
}


static void
ngx_http_aws_sigv4_json_clocks(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    char       *separator;
    u_char      data[NGX_HTTP_AWS_SIGV4_CLOCK_HOST];
    time_t      skew;
    ngx_str_t   host;
    ngx_uint_t  i;

    ngx_http_aws_sigv4_out(out, "\"clock_skew_seconds\": {");

    separator = "";

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CLOCKS; i++) {
        host.data = data;

        skew = ngx_http_aws_sigv4_clock_at(smcf, i, &host);

        if (skew != 0) {
            ngx_http_aws_sigv4_out(out, "%s", separator);
            ngx_http_aws_sigv4_json_str(out, &host);
            ngx_http_aws_sigv4_out(out, ": %T", skew);

            separator = ", ";
        }
    }

    ngx_http_aws_sigv4_out(out, "}");
}


static void
ngx_http_aws_sigv4_json_alarms(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    char                              *separator;
    ngx_uint_t                         n;
    ngx_http_aws_sigv4_alarm_shown_t   alarm;

    ngx_http_aws_sigv4_out(out, "\"alarms\": [");

    separator = "";

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {

        if (ngx_http_aws_sigv4_alarm_at(smcf, n, &alarm) != NGX_OK) {
            continue;
        }

        ngx_http_aws_sigv4_out(out, "%s\n{\"metric\": \"%V\", "
                                    "\"state\": \"%s\", \"value\": %ui, "
                                    "\"threshold\": %i, "
                                    "\"window_seconds\": %M}",
                               separator, alarm.name,
                               alarm.raised ? "alarm" : "ok", alarm.value,
                               alarm.threshold, alarm.window / 1000);

        separator = ",";
    }

    ngx_http_aws_sigv4_out(out, "]");
}


static void
ngx_http_aws_sigv4_json_common(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_http_aws_sigv4_metrics_t  *m;

    m = ngx_http_aws_sigv4_metrics(smcf);

    ngx_http_aws_sigv4_out(out, "\"key_cache_hits_total\": %uA,\n"
                                "\"key_cache_misses_total\": %uA,\n"
                                "\"series_used\": %ui,\n"
                                "\"series_limit\": %ui,\n"
                                "\"series_overflow_total\": %uA",
                           m ? m->key_hits : 0, m ? m->key_misses : 0,
                           m ? ngx_http_aws_sigv4_series_used(m) : 0,
                           m ? m->limit - 1 : 0, m ? m->overflow : 0);
}


static void
ngx_http_aws_sigv4_json_providers(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                            i, n;
    ngx_http_aws_sigv4_provider_state_t  *states;

    states = ngx_http_aws_sigv4_provider_states(smcf, out, &n);

    ngx_http_aws_sigv4_out(out, "\"providers\": [");

    for (i = 0; i < n; i++) {
        ngx_http_aws_sigv4_out(out, "%s\n{\"provider\": ", i ? "," : "");
        ngx_http_aws_sigv4_json_str(out, &states[i].name);

        ngx_http_aws_sigv4_out(out, ", \"source\": \"%V\", "
                                    "\"available\": %s, \"ready\": %s, "
                                    "\"refreshes_total\": %ui, "
                                    "\"failures_total\": %ui, "
                                    "\"age_seconds\": ",
                               &states[i].source,
                               states[i].available ? "true" : "false",
                               ngx_http_aws_sigv4_provider_ready(&states[i])
                               ? "true" : "false",
                               states[i].fetches, states[i].failures);

        if (states[i].age != -1) {
            ngx_http_aws_sigv4_out(out, "%T", states[i].age);

        } else {
            ngx_http_aws_sigv4_out(out, "null");
        }

        ngx_http_aws_sigv4_out(out, ", \"expiry_seconds\": ");

        if (states[i].expires) {
            ngx_http_aws_sigv4_out(out, "%T", states[i].expires - ngx_time());

        } else {
            ngx_http_aws_sigv4_out(out, "null");
        }

        ngx_http_aws_sigv4_out(out, ", \"last_error\": ");

        if (states[i].error.len) {
            ngx_http_aws_sigv4_json_str(out, &states[i].error);

        } else {
            ngx_http_aws_sigv4_out(out, "null");
        }

        ngx_http_aws_sigv4_out(out, "}");
    }

    ngx_http_aws_sigv4_out(out, "]");
}


static void
ngx_http_aws_sigv4_json_str(ngx_http_aws_sigv4_out_t *out, ngx_str_t *s)
{
    ngx_http_aws_sigv4_out(out, "\"");
    ngx_http_aws_sigv4_out_escaped(out, SIGV4_ESCAPE_JSON, s);
    ngx_http_aws_sigv4_out(out, "\"");
}
