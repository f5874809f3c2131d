
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_metrics.h"
#include "core/sigv4_escape.h"


/*
 * In a cell, with the second of the claim, of which eight bits are left, and
 * the id of the process that writes; ids are below 2^22.
 */
#define NGX_HTTP_AWS_SIGV4_CLAIMED        0x40000000
#define NGX_HTTP_AWS_SIGV4_CLAIM_SECOND   22
#define NGX_HTTP_AWS_SIGV4_CLAIM_AGE      2
#define NGX_HTTP_AWS_SIGV4_CLAIM_AHEAD    128

/* how often it is looked whether it has written: it takes a moment */
#define NGX_HTTP_AWS_SIGV4_CLAIM_SPINS    1000
#define NGX_HTTP_AWS_SIGV4_CLAIM_YIELDS   100


typedef struct {
    uint32_t                       hash;
    size_t                         size;
    u_char                         len[NGX_HTTP_AWS_SIGV4_LABELS];
    u_char                         labels[NGX_HTTP_AWS_SIGV4_LABELS_LEN];
} ngx_http_aws_sigv4_series_key_t;


static ngx_uint_t ngx_http_aws_sigv4_metrics_cells(ngx_uint_t limit);
static void ngx_http_aws_sigv4_series_fill(
    ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_series_key_t *key);
static void ngx_http_aws_sigv4_series_show(
    ngx_http_aws_sigv4_series_t *series);
static ngx_int_t ngx_http_aws_sigv4_series_key(ngx_str_t *labels,
    ngx_http_aws_sigv4_series_key_t *key);
static ngx_int_t ngx_http_aws_sigv4_series_ascii(ngx_str_t *label,
    sigv4_buf_t *buf);
static ngx_uint_t ngx_http_aws_sigv4_series_cell(
    ngx_http_aws_sigv4_metrics_t *metrics, ngx_atomic_t *cell,
    ngx_http_aws_sigv4_series_key_t *key);
static ngx_atomic_uint_t ngx_http_aws_sigv4_series_claim(void);
static ngx_uint_t ngx_http_aws_sigv4_series_abandoned(
    ngx_atomic_uint_t claim, ngx_uint_t tries);
static ngx_uint_t ngx_http_aws_sigv4_series_add(
    ngx_http_aws_sigv4_metrics_t *metrics, ngx_atomic_t *cell,
    ngx_atomic_uint_t claim, ngx_http_aws_sigv4_series_key_t *key);


size_t
ngx_http_aws_sigv4_metrics_max(void)
{
    return ngx_http_aws_sigv4_metrics_size(NGX_HTTP_AWS_SIGV4_SERIES_MAX
                                           + 1);
}


size_t
ngx_http_aws_sigv4_metrics_size(ngx_uint_t limit)
{
    return sizeof(ngx_http_aws_sigv4_metrics_t)
           + limit * sizeof(ngx_http_aws_sigv4_series_t)
           + ngx_http_aws_sigv4_metrics_cells(limit) * sizeof(ngx_atomic_t);
}


/* twice as many as there are series at least: so there is a free one */

static ngx_uint_t
ngx_http_aws_sigv4_metrics_cells(ngx_uint_t limit)
{
    ngx_uint_t  n;

    for (n = 2; n < 2 * limit; n *= 2) { /* void */ }

    return n;
}


ngx_uint_t
ngx_http_aws_sigv4_metrics_limit(size_t size)
{
    ngx_uint_t  limit;

    limit = NGX_HTTP_AWS_SIGV4_SERIES_MAX + 1;

    while (limit && ngx_http_aws_sigv4_metrics_size(limit) > size) {
        limit--;
    }

    return limit;
}


ngx_http_aws_sigv4_metrics_t *
ngx_http_aws_sigv4_metrics_init(void *data, size_t size)
{
    u_char                           *p;
    ngx_uint_t                        i, limit;
    ngx_str_t                         labels[NGX_HTTP_AWS_SIGV4_LABELS];
    ngx_http_aws_sigv4_metrics_t     *metrics;
    ngx_http_aws_sigv4_series_key_t   key;

    static ngx_uint_t  generation;

    limit = ngx_http_aws_sigv4_metrics_limit(size);

    if (limit < 2) {
        return NULL;
    }

    p = data;

    metrics = data;
    p += sizeof(ngx_http_aws_sigv4_metrics_t);

    metrics->series = (ngx_http_aws_sigv4_series_t *) p;
    p += limit * sizeof(ngx_http_aws_sigv4_series_t);

    metrics->cells = (ngx_atomic_t *) p;

    metrics->generation = ++generation;
    metrics->limit = limit;
    metrics->mask = ngx_http_aws_sigv4_metrics_cells(limit) - 1;
    metrics->used = 1;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_LABELS; i++) {
        ngx_str_set(&labels[i], "other");
    }

    (void) ngx_http_aws_sigv4_series_key(labels, &key);

    ngx_http_aws_sigv4_series_fill(metrics->series, &key);
    metrics->series->ready = 1;

    return metrics;
}


ngx_http_aws_sigv4_series_t *
ngx_http_aws_sigv4_series(ngx_http_aws_sigv4_metrics_t *metrics,
    ngx_str_t *labels)
{
    ngx_uint_t                        i, n;
    ngx_http_aws_sigv4_series_t      *series;
    ngx_http_aws_sigv4_series_key_t   key;

    if (ngx_http_aws_sigv4_series_key(labels, &key) == NGX_OK) {

        for (i = key.hash; /* void */ ; i++) {

            n = ngx_http_aws_sigv4_series_cell(metrics,
                                           &metrics->cells[i & metrics->mask],
                                           &key);
            if (n == 0) {
                break;
            }

            series = &metrics->series[n];

            if (ngx_memcmp(series->len, key.len, sizeof(key.len)) == 0
                && ngx_memcmp(series->labels, key.labels, key.size) == 0)
            {
                ngx_http_aws_sigv4_series_show(series);
                return series;
            }
        }
    }

    (void) ngx_atomic_fetch_add(&metrics->overflow, 1);

    return metrics->series;
}


/*
 * By everybody who finds it: the worker that has made it may have died since
 * the cell leads to it.
 */

static void
ngx_http_aws_sigv4_series_show(ngx_http_aws_sigv4_series_t *series)
{
    if (!series->ready) {
        ngx_memory_barrier();
        series->ready = 1;
    }
}


/*
 * The labels as they will be seen: two that look alike would be one series
 * that is there twice.
 */

static ngx_int_t
ngx_http_aws_sigv4_series_key(ngx_str_t *labels,
    ngx_http_aws_sigv4_series_key_t *key)
{
    u_char       *start;
    ngx_uint_t    i;
    ngx_str_t    *label;
    sigv4_buf_t   buf;

    static ngx_str_t  none = ngx_string("-");

    buf.last = key->labels;
    buf.end = key->labels + NGX_HTTP_AWS_SIGV4_LABELS_LEN;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_LABELS; i++) {
        label = labels[i].len ? &labels[i] : &none;
        start = buf.last;

        if (ngx_http_aws_sigv4_series_ascii(label, &buf) != NGX_OK
            && sigv4_escape(SIGV4_ESCAPE_UTF8, ngx_http_aws_sigv4_str(label),
                            &buf)
               != SIGV4_OK)
        {
            return NGX_DECLINED;
        }

        key->len[i] = (u_char) (buf.last - start);
    }

    key->size = buf.last - key->labels;
    key->hash = ngx_murmur_hash2(key->labels, key->size);

    return NGX_OK;
}


/* as a rule a label is one, which is several times faster */

static ngx_int_t
ngx_http_aws_sigv4_series_ascii(ngx_str_t *label, sigv4_buf_t *buf)
{
    size_t  i;

    if (label->len > (size_t) (buf->end - buf->last)) {
        return NGX_DECLINED;
    }

    for (i = 0; i < label->len; i++) {

        if (label->data[i] >= 0x80) {
            return NGX_DECLINED;
        }

        buf->last[i] = label->data[i];
    }

    buf->last += label->len;

    return NGX_OK;
}


/* the number of the series that the cell leads to; 0: the overflow */

static ngx_uint_t
ngx_http_aws_sigv4_series_cell(ngx_http_aws_sigv4_metrics_t *metrics,
    ngx_atomic_t *cell, ngx_http_aws_sigv4_series_key_t *key)
{
    ngx_uint_t         tries;
    ngx_atomic_uint_t  value, claim;

    tries = 0;

    do {
        value = *cell;

        if (value != 0 && !(value & NGX_HTTP_AWS_SIGV4_CLAIMED)) {
            return value;
        }

        if (metrics->used >= metrics->limit && value == 0) {
            return 0;
        }

        if (value == 0 || ngx_http_aws_sigv4_series_abandoned(value, tries)) {
            claim = ngx_http_aws_sigv4_series_claim();

            if (ngx_atomic_cmp_set(cell, value, claim)) {
                return ngx_http_aws_sigv4_series_add(metrics, cell, claim,
                                                     key);
            }
        }

    } while (++tries < NGX_HTTP_AWS_SIGV4_CLAIM_SPINS
                       + NGX_HTTP_AWS_SIGV4_CLAIM_YIELDS);

    return 0;
}


static ngx_atomic_uint_t
ngx_http_aws_sigv4_series_claim(void)
{
    return NGX_HTTP_AWS_SIGV4_CLAIMED
           | ((ngx_atomic_uint_t) ngx_time() & 0xff)
             << NGX_HTTP_AWS_SIGV4_CLAIM_SECOND
           | (ngx_atomic_uint_t) ngx_pid;
}


/*
 * A process that has the id of one that has died is told by the time.  That
 * of this worker is not updated while it waits, and a claim may be ahead.
 */

static ngx_uint_t
ngx_http_aws_sigv4_series_abandoned(ngx_atomic_uint_t claim,
    ngx_uint_t tries)
{
    ngx_pid_t          pid;
    ngx_atomic_uint_t  age;

    if (tries < NGX_HTTP_AWS_SIGV4_CLAIM_SPINS) {
        ngx_cpu_pause();
        return 0;
    }

    age = (ngx_time() - (claim >> NGX_HTTP_AWS_SIGV4_CLAIM_SECOND)) & 0xff;

    pid = claim & (((ngx_atomic_uint_t) 1 << NGX_HTTP_AWS_SIGV4_CLAIM_SECOND)
                   - 1);

    if ((age >= NGX_HTTP_AWS_SIGV4_CLAIM_AGE
         && age < NGX_HTTP_AWS_SIGV4_CLAIM_AHEAD)
        || (kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH))
    {
        return 1;
    }

    ngx_sched_yield();

    return 0;
}


/*
 * The cell is claimed by this process, until it has been stopped for so long
 * that another one has taken the claim over.  The place of a series that is
 * not published is lost, and nobody sees it.
 */

static ngx_uint_t
ngx_http_aws_sigv4_series_add(ngx_http_aws_sigv4_metrics_t *metrics,
    ngx_atomic_t *cell, ngx_atomic_uint_t claim,
    ngx_http_aws_sigv4_series_key_t *key)
{
    ngx_uint_t                    n;
    ngx_http_aws_sigv4_series_t  *series;

    n = ngx_atomic_fetch_add(&metrics->used, 1);

    if (n >= metrics->limit) {
        (void) ngx_atomic_fetch_add(&metrics->used, -1);
        (void) ngx_atomic_cmp_set(cell, claim, 0);
        return 0;
    }

    series = &metrics->series[n];

    ngx_http_aws_sigv4_series_fill(series, key);

    ngx_memory_barrier();

    return ngx_atomic_cmp_set(cell, claim, n) ? n : 0;
}


static void
ngx_http_aws_sigv4_series_fill(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_series_key_t *key)
{
    ngx_memcpy(series->len, key->len, sizeof(key->len));
    ngx_memcpy(series->labels, key->labels, key->size);
}


ngx_http_aws_sigv4_series_t *
ngx_http_aws_sigv4_series_at(ngx_http_aws_sigv4_metrics_t *metrics,
    ngx_uint_t n)
{
    if (n >= ngx_min(metrics->used, metrics->limit)
        || !metrics->series[n].ready
        || (n == 0 && metrics->overflow == 0))
    {
        return NULL;
    }

    /* its labels were written before */

    ngx_memory_barrier();

    return &metrics->series[n];
}


ngx_uint_t
ngx_http_aws_sigv4_series_used(ngx_http_aws_sigv4_metrics_t *metrics)
{
    return ngx_min(metrics->used, metrics->limit) - 1;
}


void
ngx_http_aws_sigv4_series_label(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t n, ngx_str_t *label)
{
    ngx_uint_t  i;

    label->data = series->labels;
    label->len = series->len[n];

    for (i = 0; i < n; i++) {
        label->data += series->len[i];
    }
}
