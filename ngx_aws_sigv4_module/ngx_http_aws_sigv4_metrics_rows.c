
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_metrics_html.h"


static void ngx_http_aws_sigv4_rows_provider(
    ngx_http_aws_sigv4_provider_state_t *state,
    ngx_http_aws_sigv4_out_t *out);
static char *ngx_http_aws_sigv4_rows_state(
    ngx_http_aws_sigv4_provider_state_t *state);
static void ngx_http_aws_sigv4_rows_one(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_out_t *out);
static ngx_atomic_uint_t ngx_http_aws_sigv4_rows_sum(
    ngx_http_aws_sigv4_series_t *series, char *name);
static void ngx_http_aws_sigv4_rows_reason(ngx_http_aws_sigv4_out_t *out,
    char *who, ngx_str_t *reason, ngx_atomic_uint_t n);
static void ngx_http_aws_sigv4_rows_text(ngx_http_aws_sigv4_out_t *out,
    char *attribute, ngx_str_t *text);
static void ngx_http_aws_sigv4_rows_number(ngx_http_aws_sigv4_out_t *out,
    ngx_atomic_uint_t n);
static void ngx_http_aws_sigv4_rows_seconds(ngx_http_aws_sigv4_out_t *out,
    time_t s);


void
ngx_http_aws_sigv4_rows_alarms(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    char                              *unit;
    ngx_uint_t                         n;
    ngx_http_aws_sigv4_alarm_shown_t   alarm;

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {

        if (ngx_http_aws_sigv4_alarm_at(smcf, n, &alarm) != NGX_OK) {
            continue;
        }

        unit = ngx_http_aws_sigv4_name_is(alarm.name, "RequestLatency", 14)
               ? " ms" : "";

        ngx_http_aws_sigv4_out(out,
            "<tr><td>%V</td><td class='%s'>%s</td><td class='n'>%ui%s</td>"
            "<td class='n'>%i%s</td><td class='n'>%M s</td></tr>\n",
            alarm.name, alarm.raised ? "bad" : "ok",
            alarm.raised ? "alarm" : "ok", alarm.value, unit,
            alarm.threshold, unit, alarm.window / 1000);
    }
}


void
ngx_http_aws_sigv4_rows_providers(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                            i, n;
    ngx_http_aws_sigv4_provider_state_t  *states;

    states = ngx_http_aws_sigv4_provider_states(smcf, out, &n);

    for (i = 0; i < n; i++) {
        ngx_http_aws_sigv4_rows_provider(&states[i], out);
    }
}


static void
ngx_http_aws_sigv4_rows_provider(ngx_http_aws_sigv4_provider_state_t *state,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_http_aws_sigv4_out(out, "<tr>");
    ngx_http_aws_sigv4_rows_text(out, " class='name'", &state->name);
    ngx_http_aws_sigv4_rows_text(out, "", &state->source);

    ngx_http_aws_sigv4_out(out, "%s<td class='n'>",
                           ngx_http_aws_sigv4_rows_state(state));

    if (state->age != -1) {
        ngx_http_aws_sigv4_rows_seconds(out, state->age);

    } else {
        ngx_http_aws_sigv4_out(out, "-");
    }

    ngx_http_aws_sigv4_out(out, "</td><td class='n'>");

    if (!state->available) {
        ngx_http_aws_sigv4_out(out, "-");

    } else if (state->expires) {
        ngx_http_aws_sigv4_rows_seconds(out, state->expires - ngx_time());

    } else {
        ngx_http_aws_sigv4_out(out, "never");
    }

    ngx_http_aws_sigv4_out(out, "</td>");

    ngx_http_aws_sigv4_rows_number(out, state->fetches);
    ngx_http_aws_sigv4_rows_number(out, state->failures);
    ngx_http_aws_sigv4_rows_text(out, " class='text'", &state->error);

    ngx_http_aws_sigv4_out(out, "</tr>\n");
}


static char *
ngx_http_aws_sigv4_rows_state(ngx_http_aws_sigv4_provider_state_t *state)
{
    if (!ngx_http_aws_sigv4_provider_ready(state)) {
        return state->available ? "<td class='bad'>about to expire</td>"
                                : "<td class='bad'>not available</td>";
    }

    return state->available ? "<td class='ok'>available</td>"
                            : "<td class='dim'>not used</td>";
}


void
ngx_http_aws_sigv4_rows_series(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                     i, end;
    ngx_http_aws_sigv4_series_t   *series;
    ngx_http_aws_sigv4_metrics_t  *m;

    m = ngx_http_aws_sigv4_metrics(smcf);

    if (m == NULL) {
        return;
    }

    i = ngx_http_aws_sigv4_rows_first(m);

    end = ngx_min(i + NGX_HTTP_AWS_SIGV4_HTML_ROWS,
                  ngx_http_aws_sigv4_series_used(m) + 1);

    for ( /* void */ ; i < end; i++) {
        series = ngx_http_aws_sigv4_series_at(m, i);

        if (series != NULL) {
            ngx_http_aws_sigv4_rows_one(series, out);
        }
    }
}


static void
ngx_http_aws_sigv4_rows_one(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_str_t                        label;
    ngx_uint_t                       i;
    ngx_atomic_t                    *counters;
    ngx_http_aws_sigv4_histogram_t   h;

    ngx_http_aws_sigv4_out(out, "<tr>");

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_LABELS; i++) {
        ngx_http_aws_sigv4_series_label(series, i, &label);
        ngx_http_aws_sigv4_rows_text(out, " class='name'", &label);
    }

    counters = series->counters;

    ngx_http_aws_sigv4_out(out, "<td class='n'>-</td>");

    ngx_http_aws_sigv4_rows_number(out,
                                 counters[NGX_HTTP_AWS_SIGV4_COUNT_SIGNED]);
    ngx_http_aws_sigv4_rows_number(out,
                               counters[NGX_HTTP_AWS_SIGV4_COUNT_RESIGNED]);
    ngx_http_aws_sigv4_rows_number(out,
           ngx_http_aws_sigv4_rows_sum(series, "requests_refused_total"));
    ngx_http_aws_sigv4_rows_number(out,
           ngx_http_aws_sigv4_rows_sum(series, "requests_failed_total"));

    counters += NGX_HTTP_AWS_SIGV4_COUNT_CLASS;

    ngx_http_aws_sigv4_rows_number(out, counters[2]);
    ngx_http_aws_sigv4_rows_number(out, counters[4]);
    ngx_http_aws_sigv4_rows_number(out, counters[5]);
    ngx_http_aws_sigv4_rows_number(out, counters[0]);

    ngx_http_aws_sigv4_histogram(series, NGX_HTTP_AWS_SIGV4_COUNT_TOTAL, &h);

    ngx_http_aws_sigv4_out(out, "<td class='n'>");
    ngx_http_aws_sigv4_rows_average(out, h.sum,
                                h.buckets[NGX_HTTP_AWS_SIGV4_BUCKETS - 1]);
    ngx_http_aws_sigv4_out(out, "</td></tr>\n");
}


/* of the counters of a family that has more than one */

static ngx_atomic_uint_t
ngx_http_aws_sigv4_rows_sum(ngx_http_aws_sigv4_series_t *series, char *name)
{
    ngx_uint_t                    i;
    ngx_atomic_uint_t             sum;
    ngx_http_aws_sigv4_family_t  *family;

    family = ngx_http_aws_sigv4_rows_family(name);
    sum = 0;

    for (i = 0; i < family->n; i++) {
        sum += series->counters[family->counters[i]];
    }

    return sum;
}


void
ngx_http_aws_sigv4_rows_reasons(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    char                          *who;
    ngx_str_t                      word;
    ngx_uint_t                     i;
    ngx_http_aws_sigv4_family_t   *family;
    ngx_http_aws_sigv4_metrics_t  *m;

    m = ngx_http_aws_sigv4_metrics(smcf);

    for (family = ngx_http_aws_sigv4_families; family->name.len; family++) {

        if (family->label == NULL || ngx_strcmp(family->label, "reason") != 0)
        {
            continue;
        }

        who = ngx_strcmp(family->name.data, "requests_refused_total") == 0
              ? "refused here" : "not signed";

        for (i = 0; i < family->n; i++) {
            ngx_http_aws_sigv4_rows_reason(out, who,
                ngx_http_aws_sigv4_counter_name(family->counters[i]),
                ngx_http_aws_sigv4_rows_total(m, family->counters[i]));
        }
    }

    for (i = SIGV4_CAUSE_NONE + 1; i < SIGV4_CAUSES; i++) {
        word.data = (u_char *) sigv4_cause_word(i);
        word.len = ngx_strlen(word.data);

        ngx_http_aws_sigv4_rows_reason(out, "refused by AWS", &word,
                                 ngx_http_aws_sigv4_cause_counted(smcf, i));
    }
}


static void
ngx_http_aws_sigv4_rows_reason(ngx_http_aws_sigv4_out_t *out, char *who,
    ngx_str_t *reason, ngx_atomic_uint_t n)
{
    if (n == 0) {
        return;
    }

    ngx_http_aws_sigv4_out(out, "<tr><td>%s</td>", who);
    ngx_http_aws_sigv4_rows_text(out, "", reason);
    ngx_http_aws_sigv4_rows_number(out, n);
    ngx_http_aws_sigv4_out(out, "</tr>\n");
}


void
ngx_http_aws_sigv4_rows_clocks(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    u_char      data[NGX_HTTP_AWS_SIGV4_CLOCK_HOST];
    time_t      skew;
    ngx_str_t   host;
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CLOCKS; i++) {
        host.data = data;

        skew = ngx_http_aws_sigv4_clock_at(smcf, i, &host);

        if (skew != 0) {
            ngx_http_aws_sigv4_out(out, "<tr>");
            ngx_http_aws_sigv4_rows_text(out, " class='name'", &host);
            ngx_http_aws_sigv4_out(out, "<td class='n'>%T s</td></tr>\n",
                                   skew);
        }
    }
}


ngx_http_aws_sigv4_family_t *
ngx_http_aws_sigv4_rows_family(char *name)
{
    ngx_http_aws_sigv4_family_t  *family;

    family = ngx_http_aws_sigv4_families;

    while (ngx_strcmp(family->name.data, name) != 0) {
        family++;
    }

    return family;
}


ngx_atomic_uint_t
ngx_http_aws_sigv4_rows_total(ngx_http_aws_sigv4_metrics_t *m,
    ngx_uint_t counter)
{
    ngx_uint_t                    i;
    ngx_atomic_uint_t             total;
    ngx_http_aws_sigv4_series_t  *series;

    total = 0;

    for (i = 0; m != NULL && i <= ngx_http_aws_sigv4_series_used(m); i++) {
        series = ngx_http_aws_sigv4_series_at(m, i);

        if (series != NULL) {
            total += series->counters[counter];
        }
    }

    return total;
}


ngx_uint_t
ngx_http_aws_sigv4_rows_first(ngx_http_aws_sigv4_metrics_t *m)
{
    return m->overflow ? 0 : 1;
}


static void
ngx_http_aws_sigv4_rows_text(ngx_http_aws_sigv4_out_t *out,
    char *attribute, ngx_str_t *text)
{
    ngx_http_aws_sigv4_out(out, "<td%s>", attribute);
    ngx_http_aws_sigv4_out_escaped(out, SIGV4_ESCAPE_HTML, text);
    ngx_http_aws_sigv4_out(out, "</td>");
}


static void
ngx_http_aws_sigv4_rows_number(ngx_http_aws_sigv4_out_t *out,
    ngx_atomic_uint_t n)
{
    ngx_http_aws_sigv4_out(out, "<td class='n'>%uA</td>", n);
}


static void
ngx_http_aws_sigv4_rows_seconds(ngx_http_aws_sigv4_out_t *out, time_t s)
{
    if (s < 120) {
        ngx_http_aws_sigv4_out(out, "%T s", s);

    } else if (s < 7200) {
        ngx_http_aws_sigv4_out(out, "%T min", s / 60);

    } else if (s < 172800) {
        ngx_http_aws_sigv4_out(out, "%T h", s / 3600);

    } else {
        ngx_http_aws_sigv4_out(out, "%T days", s / 86400);
    }
}


void
ngx_http_aws_sigv4_rows_average(ngx_http_aws_sigv4_out_t *out,
    ngx_atomic_uint_t sum, ngx_atomic_uint_t n)
{
    if (n == 0) {
        ngx_http_aws_sigv4_out(out, "-");

    } else if (sum != 0 && sum / n < 10) {
        ngx_http_aws_sigv4_out(out, "%uA.%uA ms", sum / n,
                               sum % n * 10 / n);

    } else if (sum / n < 1000) {
        ngx_http_aws_sigv4_out(out, "%uA ms", sum / n);

    } else {
        ngx_http_aws_sigv4_out(out, "%uA.%uA s", sum / n / 1000,
                               sum / n % 1000 / 100);
    }
}
