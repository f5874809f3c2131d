
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The page of aws_sigv4_metrics for browsers: figures of the moment, which
 * its script replaces by those of the JSON of the same location every few
 * seconds.
 */


#include "ngx_http_aws_sigv4_metrics_html.h"


typedef struct {
    char                          *title;
    char                          *id;
    char                          *head;
    ngx_http_aws_sigv4_status_pt   rows;
} ngx_http_aws_sigv4_html_table_t;


static void ngx_http_aws_sigv4_html_lines(ngx_http_aws_sigv4_out_t *out,
    char **lines);
static void ngx_http_aws_sigv4_html_header(ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_html_cards(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_html_latency(ngx_http_aws_sigv4_out_t *out,
    ngx_http_aws_sigv4_metrics_t *m);
static ngx_uint_t ngx_http_aws_sigv4_html_raised(
    ngx_http_aws_sigv4_main_conf_t *smcf);
static ngx_uint_t ngx_http_aws_sigv4_html_down(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static void ngx_http_aws_sigv4_html_table(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out,
    ngx_http_aws_sigv4_html_table_t *table);
static void ngx_http_aws_sigv4_html_room(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);
static ngx_atomic_uint_t ngx_http_aws_sigv4_html_total(
    ngx_http_aws_sigv4_metrics_t *m, char *name);


static ngx_http_aws_sigv4_html_table_t  ngx_http_aws_sigv4_html_tables[] = {

    { "Alarms", "alarms",
      "<th>metric<th>state<th class='n'>last window<th class='n'>threshold"
      "<th class='n'>window",
      ngx_http_aws_sigv4_rows_alarms },

    { "Credentials", "providers",
      "<th>provider<th>source<th>state<th class='n'>age"
      "<th class='n'>expire in<th class='n'>fetches<th class='n'>failures"
      "<th>last error",
      ngx_http_aws_sigv4_rows_providers },

    { "Why requests fail", "reasons",
      "<th>who<th>reason<th class='n'>requests",
      ngx_http_aws_sigv4_rows_reasons },

    { "Clocks that differ", "clocks",
      "<th>host<th class='n'>ahead by",
      ngx_http_aws_sigv4_rows_clocks },

    { "Series", "series",
      "<th>location<th>service<th>region<th>provider<th class='n'>a second"
      "<th class='n'>signed<th class='n'>signed anew<th class='n'>refused"
      "<th class='n'>not signed<th class='n'>2xx<th class='n'>4xx"
      "<th class='n'>5xx<th class='n'>none<th class='n'>latency",
      ngx_http_aws_sigv4_rows_series },

    { NULL, NULL, NULL, NULL }
};


void
ngx_http_aws_sigv4_metrics_html(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_http_aws_sigv4_html_table_t  *table;

    ngx_http_aws_sigv4_html_lines(out, ngx_http_aws_sigv4_page_top);

    ngx_http_aws_sigv4_html_header(out);
    ngx_http_aws_sigv4_html_cards(smcf, out);

    ngx_http_aws_sigv4_html_lines(out, ngx_http_aws_sigv4_page_charts);

    for (table = ngx_http_aws_sigv4_html_tables; table->title; table++) {
        ngx_http_aws_sigv4_html_table(smcf, out, table);
    }

    ngx_http_aws_sigv4_html_room(smcf, out);

    ngx_http_aws_sigv4_html_lines(out, ngx_http_aws_sigv4_page_end);
}


static void
ngx_http_aws_sigv4_html_lines(ngx_http_aws_sigv4_out_t *out, char **lines)
{
    for ( /* void */ ; *lines != NULL; lines++) {
        ngx_http_aws_sigv4_out(out, "%s", *lines);
    }
}


static void
ngx_http_aws_sigv4_html_header(ngx_http_aws_sigv4_out_t *out)
{
    ngx_http_aws_sigv4_out(out,
        "<header>\n"
        "<h1>AWS SigV4 gateway</h1>\n"
        "<span class='dim'>%s, nginx %s</span>\n"
        "<span class='dim' id='when'>at %V</span>\n"
        "</header>\n"
        "<noscript><p class='dim'>JavaScript would keep the figures up to\n"
        "date and draw them; more is in <a href='?format=json'>JSON</a> and\n"
        "for <a href='?format=prometheus'>Prometheus</a>.</p></noscript>\n"
        "<main>\n",
        NGX_HTTP_AWS_SIGV4_VERSION, NGINX_VERSION,
        (ngx_str_t *) &ngx_cached_http_time);
}


static void
ngx_http_aws_sigv4_html_cards(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                     i, raised, down;
    ngx_http_aws_sigv4_metrics_t  *m;

    static struct {
        char  *title;
        char  *id;
        char  *name;
    }  cards[] = {
        { "signed", "signed", "requests_signed_total" },
        { "refused here", "refused", "requests_refused_total" },
        { "not signed", "failed", "requests_failed_total" },
        { "4xx of AWS", "c4xx", "4xx_error_count_total" },
        { "5xx of AWS", "c5xx", "5xx_error_count_total" }
    };

    m = ngx_http_aws_sigv4_metrics(smcf);

    ngx_http_aws_sigv4_out(out,
        "<div class='cards'>\n"
        "<div class='card'><span class='dim'>signed a second</span>\n"
        "<b id='rate'>-</b></div>\n");

    for (i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        ngx_http_aws_sigv4_out(out,
            "<div class='card'><span class='dim'>%s</span>\n"
            "<b id='%s'>%uA</b></div>\n",
            cards[i].title, cards[i].id,
            ngx_http_aws_sigv4_html_total(m, cards[i].name));
    }

    ngx_http_aws_sigv4_out(out,
        "<div class='card'><span class='dim'>mean latency</span>\n"
        "<b id='latency'>");
    ngx_http_aws_sigv4_html_latency(out, m);

    raised = ngx_http_aws_sigv4_html_raised(smcf);
    down = ngx_http_aws_sigv4_html_down(smcf, out);

    ngx_http_aws_sigv4_out(out,
        "</b></div>\n"
        "<div class='card'><span class='dim'>alarms</span>\n"
        "<b id='raised' class='%s'>%ui</b></div>\n"
        "<div class='card'><span class='dim'>providers down</span>\n"
        "<b id='down' class='%s'>%ui</b></div>\n</div>\n",
        raised ? "bad" : "ok", raised, down ? "bad" : "ok", down);
}


static void
ngx_http_aws_sigv4_html_latency(ngx_http_aws_sigv4_out_t *out,
    ngx_http_aws_sigv4_metrics_t *m)
{
    ngx_uint_t         i, counter;
    ngx_atomic_uint_t  n;

    counter = NGX_HTTP_AWS_SIGV4_COUNT_TOTAL;
    n = 0;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_BUCKETS; i++) {
        n += ngx_http_aws_sigv4_rows_total(m, counter++);
    }

    ngx_http_aws_sigv4_rows_average(out,
                                    ngx_http_aws_sigv4_rows_total(m, counter),
                                    n);
}


static ngx_uint_t
ngx_http_aws_sigv4_html_raised(ngx_http_aws_sigv4_main_conf_t *smcf)
{
    ngx_uint_t                        n, raised;
    ngx_http_aws_sigv4_alarm_shown_t  alarm;

    raised = 0;

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {

        if (ngx_http_aws_sigv4_alarm_at(smcf, n, &alarm) == NGX_OK
            && alarm.raised)
        {
            raised++;
        }
    }

    return raised;
}


static ngx_uint_t
ngx_http_aws_sigv4_html_down(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                            i, n, down;
    ngx_http_aws_sigv4_provider_state_t  *states;

    states = ngx_http_aws_sigv4_provider_states(smcf, out, &n);

    down = 0;

    for (i = 0; i < n; i++) {
        down += !ngx_http_aws_sigv4_provider_ready(&states[i]);
    }

    return down;
}


/* rows that are not there show as such */

static void
ngx_http_aws_sigv4_html_table(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out, ngx_http_aws_sigv4_html_table_t *table)
{
    off_t  size;

    ngx_http_aws_sigv4_out(out,
        "<h2>%s</h2>\n"
        "<div class='wide'><table><thead><tr>%s</thead><tbody id='%s'>\n",
        table->title, table->head, table->id);

    size = out->size;

    table->rows(smcf, out);

    if (out->size == size) {
        ngx_http_aws_sigv4_out(out,
            "<tr><td colspan='14' class='dim'>none</td></tr>\n");
    }

    ngx_http_aws_sigv4_out(out, "</tbody></table></div>\n");
}


static void
ngx_http_aws_sigv4_html_room(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out)
{
    ngx_uint_t                     shown, used;
    ngx_http_aws_sigv4_metrics_t  *m;

    m = ngx_http_aws_sigv4_metrics(smcf);

    ngx_http_aws_sigv4_out(out, "<p class='dim' id='room'>");

    if (m != NULL) {
        used = ngx_http_aws_sigv4_series_used(m);
        shown = used + 1 - ngx_http_aws_sigv4_rows_first(m);

        if (shown > NGX_HTTP_AWS_SIGV4_HTML_ROWS) {
            ngx_http_aws_sigv4_out(out, "%ui more are in the JSON; ",
                                   shown - NGX_HTTP_AWS_SIGV4_HTML_ROWS);
        }

        ngx_http_aws_sigv4_out(out, "%ui of %ui series; "
                                    "%uA events found none",
                               used, m->limit - 1, m->overflow);
    }

    ngx_http_aws_sigv4_out(out, "</p>\n");
}


static ngx_atomic_uint_t
ngx_http_aws_sigv4_html_total(ngx_http_aws_sigv4_metrics_t *m, char *name)
{
    ngx_uint_t                    i;
    ngx_atomic_uint_t             total;
    ngx_http_aws_sigv4_family_t  *family;

    family = ngx_http_aws_sigv4_rows_family(name);

    if (family->label == NULL) {
        return ngx_http_aws_sigv4_rows_total(m, family->counter);
    }

    total = 0;

    for (i = 0; i < family->n; i++) {
        total += ngx_http_aws_sigv4_rows_total(m, family->counters[i]);
    }

    return total;
}
