
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cloudwatch.h"


/* of one series: its counts, and the latency */
#define NGX_HTTP_AWS_SIGV4_CW_SERIES_DATA                                     \
    (NGX_HTTP_AWS_SIGV4_CW_COUNTS + 1)

/*
 * More than any datum takes: 15 parameters, the labels of which each byte
 * may be escaped, and numbers.
 */
#define NGX_HTTP_AWS_SIGV4_CW_DATUM       2048


/* samples, as CloudWatch has them */
typedef struct {
    ngx_atomic_uint_t              n;
    ngx_atomic_uint_t              sum;
    ngx_atomic_uint_t              min;
    ngx_atomic_uint_t              max;
} ngx_http_aws_sigv4_samples_t;


typedef struct {
    sigv4_buf_t                    buf;
    ngx_http_aws_sigv4_series_t   *series;
    ngx_uint_t                     n;         /* of the last datum */
    u_char                         time[sizeof("1970-01-01T00:00:00Z")];
} ngx_http_aws_sigv4_form_t;


static ngx_atomic_uint_t ngx_http_aws_sigv4_tally_sum(
    ngx_http_aws_sigv4_series_t *series, ngx_str_t *name);
static void ngx_http_aws_sigv4_form_series(ngx_http_aws_sigv4_form_t *form,
    ngx_http_aws_sigv4_tally_t *now, ngx_http_aws_sigv4_tally_t *sent);
static void ngx_http_aws_sigv4_form_latency(
    ngx_http_aws_sigv4_samples_t *samples,
    ngx_http_aws_sigv4_histogram_t *now,
    ngx_http_aws_sigv4_histogram_t *sent);
static void ngx_http_aws_sigv4_form_datum(ngx_http_aws_sigv4_form_t *form,
    const char *name, const char *unit,
    ngx_http_aws_sigv4_samples_t *samples);
static void ngx_http_aws_sigv4_form_dimension(
    ngx_http_aws_sigv4_form_t *form, ngx_uint_t i);
static void ngx_http_aws_sigv4_form_text(ngx_http_aws_sigv4_form_t *form,
    const char *name, const u_char *value, size_t len);
static void ngx_http_aws_sigv4_form_number(ngx_http_aws_sigv4_form_t *form,
    const char *name, ngx_atomic_uint_t value);


/* what is a metric of its own, the two of responses last */

static struct {
    ngx_str_t                      family;
    char                          *name;
}  ngx_http_aws_sigv4_tally_counts[NGX_HTTP_AWS_SIGV4_CW_COUNTS] = {
    { ngx_string("requests_signed_total"), "SignedRequests" },
    { ngx_string("requests_refused_total"), "RefusedRequests" },
    { ngx_string("requests_failed_total"), "FailedRequests" },
    { ngx_string("4xx_error_count_total"), "4xxErrorCount" },
    { ngx_string("5xx_error_count_total"), "5xxErrorCount" }
};

#define NGX_HTTP_AWS_SIGV4_CW_RESPONSES   3


static char  *ngx_http_aws_sigv4_dimension_names[] = {
    "Location",
    "Service",
    "Region",
    "Provider"
};


void
ngx_http_aws_sigv4_tally(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_tally_t *tally)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CW_COUNTS; i++) {
        tally->counts[i] = ngx_http_aws_sigv4_tally_sum(series,
                                  &ngx_http_aws_sigv4_tally_counts[i].family);
    }

    ngx_http_aws_sigv4_histogram(series, NGX_HTTP_AWS_SIGV4_COUNT_TOTAL,
                                 &tally->latency);
}


static ngx_atomic_uint_t
ngx_http_aws_sigv4_tally_sum(ngx_http_aws_sigv4_series_t *series,
    ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_atomic_uint_t             sum;
    ngx_http_aws_sigv4_family_t  *family;

    family = ngx_http_aws_sigv4_families;

    while (!ngx_http_aws_sigv4_name_is(&family->name, (char *) name->data,
                                       name->len))
    {
        family++;
    }

    if (family->counters == NULL) {
        return series->counters[family->counter];
    }

    sum = 0;

    for (i = 0; i < family->n; i++) {
        sum += series->counters[family->counters[i]];
    }

    return sum;
}


ngx_int_t
ngx_http_aws_sigv4_cloudwatch_form(ngx_http_aws_sigv4_cloudwatch_t *cw,
    ngx_pool_t *pool, ngx_http_aws_sigv4_call_t *call, ngx_str_t *str)
{
    u_char                         *start;
    ngx_tm_t                        tm;
    ngx_uint_t                      n;
    ngx_http_aws_sigv4_form_t       form;
    ngx_http_aws_sigv4_tally_t     *tally;
    ngx_http_aws_sigv4_metrics_t   *metrics;

    metrics = cw->zone->metrics;

    start = ngx_pnalloc(pool, NGX_HTTP_AWS_SIGV4_CW_SIZE);
    if (start == NULL) {
        return NGX_ERROR;
    }

    form.buf.last = start;
    form.buf.end = start + NGX_HTTP_AWS_SIGV4_CW_SIZE;
    form.n = 0;

    ngx_gmtime(ngx_time(), &tm);
    (void) ngx_sprintf(form.time, "%4d-%02d-%02dT%02d:%02d:%02dZ%Z",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    form.buf.last = ngx_sprintf(form.buf.last, "Action=PutMetricData"
                                "&Version=2010-08-01&Namespace=");
    (void) sigv4_uri_encode(&form.buf,
                            ngx_http_aws_sigv4_str(&cw->namespace), 0);

    call->nseries = 0;

    while (cw->todo
           && call->nseries < NGX_HTTP_AWS_SIGV4_CW_DATA
           && form.n + NGX_HTTP_AWS_SIGV4_CW_SERIES_DATA
              <= NGX_HTTP_AWS_SIGV4_CW_DATA
           && form.buf.end - form.buf.last
              >= NGX_HTTP_AWS_SIGV4_CW_SERIES_DATA
                 * NGX_HTTP_AWS_SIGV4_CW_DATUM)
    {
        n = cw->at++ % metrics->limit;
        cw->todo--;

        form.series = ngx_http_aws_sigv4_series_at(metrics, n);

        if (form.series == NULL) {
            continue;
        }

        tally = &call->tally[call->nseries];
        ngx_http_aws_sigv4_tally(form.series, tally);

        if (ngx_memcmp(tally, &cw->sent->sent[n],
                       sizeof(ngx_http_aws_sigv4_tally_t)) == 0)
        {
            continue;
        }

        ngx_http_aws_sigv4_form_series(&form, tally, &cw->sent->sent[n]);
        call->series[call->nseries++] = n;
    }

    str->data = start;
    str->len = form.n ? (size_t) (form.buf.last - start) : 0;

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_form_series(ngx_http_aws_sigv4_form_t *form,
    ngx_http_aws_sigv4_tally_t *now, ngx_http_aws_sigv4_tally_t *sent)
{
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_samples_t  latency, samples;

    ngx_http_aws_sigv4_form_latency(&latency, &now->latency, &sent->latency);

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CW_COUNTS; i++) {

        samples.sum = now->counts[i] - sent->counts[i];
        samples.n = samples.sum;

        /* a sample of 0 for each other response: the mean is their rate */

        if (i >= NGX_HTTP_AWS_SIGV4_CW_RESPONSES) {
            samples.n = ngx_max(latency.n, samples.sum);
        }

        samples.min = (samples.sum == samples.n);
        samples.max = (samples.sum != 0);

        ngx_http_aws_sigv4_form_datum(form,
                                      ngx_http_aws_sigv4_tally_counts[i].name,
                                      "Count", &samples);
    }

    ngx_http_aws_sigv4_form_datum(form, "RequestLatency", "Milliseconds",
                                  &latency);
}


/*
 * The least and the greatest are not known better than their buckets say,
 * and what others count meanwhile may be in one number and not in another.
 */

static void
ngx_http_aws_sigv4_form_latency(ngx_http_aws_sigv4_samples_t *samples,
    ngx_http_aws_sigv4_histogram_t *now,
    ngx_http_aws_sigv4_histogram_t *sent)
{
    ngx_uint_t         i, last;
    ngx_atomic_uint_t  n, mean;

    last = NGX_HTTP_AWS_SIGV4_BUCKETS - 1;

    n = now->buckets[last] - sent->buckets[last];

    samples->n = n;
    samples->sum = now->sum - sent->sum;

    if (n == 0) {

        /* what was added since to the sum waits for a sample to go with */

        now->sum = sent->sum;
        return;
    }

    for (i = 0; i < last; i++) {

        if (now->buckets[i] != sent->buckets[i]) {
            break;
        }
    }

    samples->min = i ? ngx_http_aws_sigv4_bounds[i - 1] : 0;

    while (i < last && now->buckets[i] - sent->buckets[i] < n) {
        i++;
    }

    samples->max = samples->sum;

    if (i < last) {
        samples->max = ngx_min(samples->sum, ngx_http_aws_sigv4_bounds[i]);
    }

    mean = samples->sum / n;

    samples->min = ngx_min(n == 1 ? samples->sum : samples->min, mean);
    samples->max = ngx_max(samples->max, mean + (samples->sum % n != 0));
}


static void
ngx_http_aws_sigv4_form_datum(ngx_http_aws_sigv4_form_t *form,
    const char *name, const char *unit, ngx_http_aws_sigv4_samples_t *samples)
{
    ngx_uint_t  i;

    if (samples->n == 0) {
        return;
    }

    form->n++;

    ngx_http_aws_sigv4_form_text(form, "MetricName", (const u_char *) name,
                                 ngx_strlen(name));

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_LABELS; i++) {
        ngx_http_aws_sigv4_form_dimension(form, i);
    }

    ngx_http_aws_sigv4_form_text(form, "Timestamp", form->time,
                                 ngx_strlen(form->time));
    ngx_http_aws_sigv4_form_text(form, "Unit", (const u_char *) unit,
                                 ngx_strlen(unit));

    ngx_http_aws_sigv4_form_number(form, "SampleCount", samples->n);
    ngx_http_aws_sigv4_form_number(form, "Sum", samples->sum);
    ngx_http_aws_sigv4_form_number(form, "Minimum", samples->min);
    ngx_http_aws_sigv4_form_number(form, "Maximum", samples->max);
}


/* CloudWatch takes ASCII alone, and something that can be seen */

static void
ngx_http_aws_sigv4_form_dimension(ngx_http_aws_sigv4_form_t *form,
    ngx_uint_t i)
{
    size_t      n;
    u_char      value[NGX_HTTP_AWS_SIGV4_LABELS_LEN];
    u_char      name[sizeof("Dimensions.member.4.Value")];
    ngx_str_t   label;
    ngx_uint_t  visible;

    ngx_http_aws_sigv4_series_label(form->series, i, &label);

    visible = 0;

    for (n = 0; n < label.len; n++) {
        value[n] = label.data[n];

        if (value[n] < 0x20 || value[n] > 0x7e) {
            value[n] = '?';
        }

        visible |= (value[n] != ' ');
    }

    if (!visible) {
        value[0] = '-';
        n = 1;
    }

    (void) ngx_sprintf(name, "Dimensions.member.%ui.Name%Z", i + 1);
    ngx_http_aws_sigv4_form_text(form, (char *) name,
                        (u_char *) ngx_http_aws_sigv4_dimension_names[i],
                        ngx_strlen(ngx_http_aws_sigv4_dimension_names[i]));

    (void) ngx_sprintf(name, "Dimensions.member.%ui.Value%Z", i + 1);
    ngx_http_aws_sigv4_form_text(form, (char *) name, value, n);
}


static void
ngx_http_aws_sigv4_form_text(ngx_http_aws_sigv4_form_t *form,
    const char *name, const u_char *value, size_t len)
{
    sigv4_str_t  text;

    form->buf.last = ngx_slprintf(form->buf.last, form->buf.end,
                                  "&MetricData.member.%ui.%s=", form->n,
                                  name);
    text.data = value;
    text.len = len;

    (void) sigv4_uri_encode(&form->buf, text, 0);
}


static void
ngx_http_aws_sigv4_form_number(ngx_http_aws_sigv4_form_t *form,
    const char *name, ngx_atomic_uint_t value)
{
    form->buf.last = ngx_slprintf(form->buf.last, form->buf.end,
                                  "&MetricData.member.%ui.StatisticValues"
                                  ".%s=%uA", form->n, name, value);
}
