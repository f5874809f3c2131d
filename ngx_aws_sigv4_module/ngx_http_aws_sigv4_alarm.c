
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Alarms over all series, under the names of CloudWatch: what was counted in
 * a window is compared with a threshold when the window ends.  Each worker
 * has a timer; whoever is the first to move the end of the window compares
 * for all of them.
 */


#include "ngx_http_aws_sigv4_metrics.h"


#define NGX_HTTP_AWS_SIGV4_ALARM_WINDOW   60000

/* of a threshold: there is no alarm */
#define NGX_HTTP_AWS_SIGV4_ALARM_OFF      -2


typedef struct {
    ngx_str_t                      name;
    ngx_int_t                      threshold;     /* if none is written */
    unsigned                       msec:1;        /* an average */
} ngx_http_aws_sigv4_alarm_metric_t;


/* what has been counted since the memory is there */
typedef struct {
    ngx_atomic_uint_t              value[NGX_HTTP_AWS_SIGV4_ALARMS];
    ngx_atomic_uint_t              responses;     /* that have a latency */
} ngx_http_aws_sigv4_alarm_sums_t;


static char *ngx_http_aws_sigv4_alarm_window(ngx_conf_t *cf,
    ngx_http_aws_sigv4_alarms_t *alarms, ngx_str_t *value);
static ngx_int_t ngx_http_aws_sigv4_alarm_threshold(
    ngx_http_aws_sigv4_alarm_metric_t *metric, ngx_str_t *value);
static void ngx_http_aws_sigv4_alarm_timer(ngx_event_t *ev);
static ngx_msec_t ngx_http_aws_sigv4_alarm_tick(
    ngx_http_aws_sigv4_alarms_t *alarms, ngx_http_aws_sigv4_metrics_t *m,
    ngx_log_t *log);
static void ngx_http_aws_sigv4_alarm_sum(ngx_http_aws_sigv4_metrics_t *m,
    ngx_http_aws_sigv4_alarm_sums_t *sums);
static void ngx_http_aws_sigv4_alarm_compare(
    ngx_http_aws_sigv4_alarms_t *alarms, ngx_http_aws_sigv4_metrics_t *m,
    ngx_http_aws_sigv4_alarm_sums_t *sums, ngx_uint_t fresh, ngx_log_t *log);
static void ngx_http_aws_sigv4_alarm_log(
    ngx_http_aws_sigv4_alarms_t *alarms, ngx_uint_t n,
    ngx_atomic_uint_t value, ngx_uint_t raised, ngx_log_t *log);


static ngx_http_aws_sigv4_alarm_metric_t  ngx_http_aws_sigv4_alarm_metrics[] =
{
    { ngx_string("4xxErrorCount"), 5, 0 },
    { ngx_string("5xxErrorCount"), 2, 0 },
    { ngx_string("RequestLatency"), 1500, 1 }
};


static ngx_event_t  ngx_http_aws_sigv4_alarm_event;


/*
 * aws_sigv4_alarm off;
 * aws_sigv4_alarm window=time;
 * aws_sigv4_alarm metric threshold | off;
 */

char *
ngx_http_aws_sigv4_alarm(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aws_sigv4_main_conf_t *smcf = conf;

    ngx_str_t                          *value;
    ngx_int_t                          *threshold;
    ngx_uint_t                          n;
    ngx_http_aws_sigv4_alarms_t        *alarms;
    ngx_http_aws_sigv4_alarm_metric_t  *metric;

    alarms = &smcf->alarms;
    value = cf->args->elts;

    if (cf->args->nelts == 2) {
        return ngx_http_aws_sigv4_alarm_window(cf, alarms, &value[1]);
    }

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {
        metric = &ngx_http_aws_sigv4_alarm_metrics[n];
        threshold = &alarms->threshold[n];

        if (metric->name.len != value[1].len
            || ngx_strcmp(metric->name.data, value[1].data) != 0)
        {
            continue;
        }

        if (*threshold != NGX_CONF_UNSET) {
            return "is duplicate";
        }

        *threshold = ngx_http_aws_sigv4_alarm_threshold(metric, &value[2]);

        if (*threshold == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_alarm\": invalid threshold "
                               "\"%V\" of \"%V\", write %s or \"off\"",
                               &value[2], &value[1],
                               metric->msec ? "a time as 1500ms" : "a number");
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_alarm\": there is no alarm of \"%V\", "
                       "write 4xxErrorCount, 5xxErrorCount or "
                       "RequestLatency", &value[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_aws_sigv4_alarm_window(ngx_conf_t *cf,
    ngx_http_aws_sigv4_alarms_t *alarms, ngx_str_t *value)
{
    ngx_int_t  window;
    ngx_str_t  s;

    if (value->len == 3 && ngx_strncmp(value->data, "off", 3) == 0) {

        if (alarms->off) {
            return "is duplicate";
        }

        alarms->off = 1;
        return NGX_CONF_OK;
    }

    if (value->len > 7 && ngx_strncmp(value->data, "window=", 7) == 0) {

        if (alarms->window != NGX_CONF_UNSET_MSEC) {
            return "is duplicate";
        }

        s.data = value->data + 7;
        s.len = value->len - 7;

        window = ngx_parse_time(&s, 0);

        if (window != NGX_ERROR && window >= 1000 && window <= 86400000
            && window % 1000 == 0)
        {
            alarms->window = window;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_alarm\": invalid value \"%V\", write "
                       "\"off\", a window of whole seconds up to "
                       "\"window=1d\", or a metric and its threshold", value);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_aws_sigv4_alarm_threshold(ngx_http_aws_sigv4_alarm_metric_t *metric,
    ngx_str_t *value)
{
    if (value->len == 3 && ngx_strncmp(value->data, "off", 3) == 0) {
        return NGX_HTTP_AWS_SIGV4_ALARM_OFF;
    }

    return metric->msec ? ngx_parse_time(value, 0)
                        : ngx_atoi(value->data, value->len);
}


void
ngx_http_aws_sigv4_alarm_create(ngx_http_aws_sigv4_alarms_t *alarms)
{
    ngx_uint_t  n;

    alarms->window = NGX_CONF_UNSET_MSEC;

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {
        alarms->threshold[n] = NGX_CONF_UNSET;
    }
}


void
ngx_http_aws_sigv4_alarm_init(ngx_http_aws_sigv4_alarms_t *alarms)
{
    ngx_uint_t  n;

    ngx_conf_init_msec_value(alarms->window, NGX_HTTP_AWS_SIGV4_ALARM_WINDOW);

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {
        ngx_conf_init_value(alarms->threshold[n],
                            ngx_http_aws_sigv4_alarm_metrics[n].threshold);
    }
}


void
ngx_http_aws_sigv4_alarm_start(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_main_conf_t *smcf)
{
    ngx_event_t  *ev;

    if (smcf->alarms.off
        || ngx_http_aws_sigv4_metrics(smcf) == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return;
    }

    ev = &ngx_http_aws_sigv4_alarm_event;

    /* without a master the one of the last configuration is there */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_memzero(ev, sizeof(ngx_event_t));

    ev->handler = ngx_http_aws_sigv4_alarm_timer;
    ev->data = smcf;
    ev->log = cycle->log;
    ev->cancelable = 1;

    /* the first window begins now */

    ngx_http_aws_sigv4_alarm_timer(ev);
}


static void
ngx_http_aws_sigv4_alarm_timer(ngx_event_t *ev)
{
    ngx_msec_t                       delay;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    /* thresholds of a worker that ends may be those of yesterday */

    if (ngx_exiting) {
        return;
    }

    smcf = ev->data;

    delay = ngx_http_aws_sigv4_alarm_tick(&smcf->alarms,
                                          ngx_http_aws_sigv4_metrics(smcf),
                                          ev->log);

    ngx_add_timer(ev, delay);
}


/* returns when to look again */

static ngx_msec_t
ngx_http_aws_sigv4_alarm_tick(ngx_http_aws_sigv4_alarms_t *alarms,
    ngx_http_aws_sigv4_metrics_t *m, ngx_log_t *log)
{
    ngx_msec_t                        left;
    ngx_uint_t                        fresh;
    ngx_atomic_uint_t                 end, next, window;
    ngx_http_aws_sigv4_alarm_sums_t   sums;

    end = m->alarm_end;
    window = m->alarm_window;
    left = end - ngx_current_msec;

    /*
     * A window that was longer in the last configuration ends now; one that
     * only seems to be was begun by a worker with a later idea of the time.
     */

    if (end != 0
        && (ngx_msec_int_t) left > 0
        && (left <= alarms->window || window <= alarms->window))
    {
        return left;
    }

    next = ngx_current_msec + alarms->window;

    if (next == 0) {
        next = 1;
    }

    if (!ngx_atomic_cmp_set(&m->alarm_end, end, next)) {
        return alarms->window;
    }

    m->alarm_window = alarms->window;

    ngx_http_aws_sigv4_alarm_sum(m, &sums);

    /* the first one begins, or one ahead of time, or after one without */

    fresh = (end == 0 || ngx_current_msec - end > window);

    ngx_http_aws_sigv4_alarm_compare(alarms, m, &sums, fresh, log);

    return alarms->window;
}


static void
ngx_http_aws_sigv4_alarm_sum(ngx_http_aws_sigv4_metrics_t *m,
    ngx_http_aws_sigv4_alarm_sums_t *sums)
{
    ngx_uint_t                    i, k, n;
    ngx_http_aws_sigv4_series_t  *series;

    ngx_memzero(sums, sizeof(ngx_http_aws_sigv4_alarm_sums_t));

    n = ngx_http_aws_sigv4_series_used(m) + 1;

    for (i = 0; i < n; i++) {
        series = ngx_http_aws_sigv4_series_at(m, i);

        if (series == NULL) {
            continue;
        }

        sums->value[0] += series->counters[NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 4];
        sums->value[1] += series->counters[NGX_HTTP_AWS_SIGV4_COUNT_CLASS + 5];
        sums->value[2] += series->counters[NGX_HTTP_AWS_SIGV4_COUNT_TOTAL
                                           + NGX_HTTP_AWS_SIGV4_BUCKETS];

        for (k = 0; k < NGX_HTTP_AWS_SIGV4_BUCKETS; k++) {
            sums->responses += series->counters[NGX_HTTP_AWS_SIGV4_COUNT_TOTAL
                                                + k];
        }
    }
}


/*
 * fresh: what was counted by now belongs to no window, and what was raised
 * is of a time that has long passed
 */

static void
ngx_http_aws_sigv4_alarm_compare(ngx_http_aws_sigv4_alarms_t *alarms,
    ngx_http_aws_sigv4_metrics_t *m, ngx_http_aws_sigv4_alarm_sums_t *sums,
    ngx_uint_t fresh, ngx_log_t *log)
{
    ngx_uint_t                         n, raised;
    ngx_atomic_uint_t                  value, responses;
    ngx_http_aws_sigv4_alarm_state_t  *state;

    responses = sums->responses - m->alarm_responses;
    m->alarm_responses = sums->responses;

    for (n = 0; n < NGX_HTTP_AWS_SIGV4_ALARMS; n++) {
        state = &m->alarms[n];

        value = sums->value[n] - state->counted;
        state->counted = sums->value[n];

        if (ngx_http_aws_sigv4_alarm_metrics[n].msec) {
            value = responses ? value / responses : 0;
        }

        if (fresh) {
            value = 0;
        }

        state->value = value;

        raised = (alarms->threshold[n] >= 0
                  && value > (ngx_atomic_uint_t) alarms->threshold[n]);

        if (raised != state->raised) {
            state->raised = raised;
            ngx_http_aws_sigv4_alarm_log(alarms, n, value, raised, log);
        }
    }
}


static void
ngx_http_aws_sigv4_alarm_log(ngx_http_aws_sigv4_alarms_t *alarms,
    ngx_uint_t n, ngx_atomic_uint_t value, ngx_uint_t raised, ngx_log_t *log)
{
    char                               *unit;
    ngx_http_aws_sigv4_alarm_metric_t  *metric;

    metric = &ngx_http_aws_sigv4_alarm_metrics[n];
    unit = metric->msec ? " ms on average" : "";

    if (raised) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aws sigv4: alarm \"%V\" is on: %uA%s in %M s, more "
                      "than %i", &metric->name, value, unit,
                      alarms->window / 1000, alarms->threshold[n]);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "aws sigv4: alarm \"%V\" is over: %uA%s in %M s",
                  &metric->name, value, unit, alarms->window / 1000);
}


ngx_int_t
ngx_http_aws_sigv4_alarm_at(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_uint_t n, ngx_http_aws_sigv4_alarm_shown_t *shown)
{
    ngx_http_aws_sigv4_metrics_t  *m;

    m = ngx_http_aws_sigv4_metrics(smcf);

    if (m == NULL
        || smcf->alarms.off
        || smcf->alarms.threshold[n] == NGX_HTTP_AWS_SIGV4_ALARM_OFF)
    {
        return NGX_DECLINED;
    }

    shown->name = &ngx_http_aws_sigv4_alarm_metrics[n].name;
    shown->raised = m->alarms[n].raised;
    shown->value = m->alarms[n].value;
    shown->threshold = smcf->alarms.threshold[n];
    shown->window = smcf->alarms.window;

    return NGX_OK;
}
