
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * One attempt to get the credentials of the instance: with a token that is
 * made first if there is none, in this order: region, role, credentials.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_imds.h"


/* six hours, the longest there is, in seconds; it is not used to its end */
#define NGX_HTTP_AWS_SIGV4_IMDS_TTL       21600
#define NGX_HTTP_AWS_SIGV4_IMDS_MARGIN    60

#define NGX_HTTP_AWS_SIGV4_IMDS_TOKEN     1024
#define NGX_HTTP_AWS_SIGV4_IMDS_ROLE      128

/* attempts that fail because of the region alone */
#define NGX_HTTP_AWS_SIGV4_IMDS_REGION    3


typedef struct {
    ngx_str_t                        path;
    ngx_uint_t                       attempt;
    ngx_http_aws_sigv4_job_fetch_pt  handler;
    unsigned                         renewed:1; /* the token was refused */
    unsigned                         no_region:1;
} ngx_http_aws_sigv4_imds_job_t;


static void ngx_http_aws_sigv4_imds_begin(ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_imds_get(ngx_http_aws_sigv4_job_t *job,
    const char *path, ngx_str_t *name,
    ngx_http_aws_sigv4_job_fetch_pt handler);
static void ngx_http_aws_sigv4_imds_send(ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_imds_token(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f);
static char *ngx_http_aws_sigv4_imds_keep(ngx_http_aws_sigv4_imds_t *imds,
    ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_imds_region(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_imds_role(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_imds_credentials(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f);
static ngx_int_t ngx_http_aws_sigv4_imds_retry(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f);
static ngx_uint_t ngx_http_aws_sigv4_imds_passing(
    ngx_http_aws_sigv4_fetch_t *f);
static ngx_str_t ngx_http_aws_sigv4_imds_line(ngx_str_t *text, size_t max);


void
ngx_http_aws_sigv4_imds_fetch(ngx_http_aws_sigv4_job_t *job)
{
    job->data = ngx_pcalloc(job->pool, sizeof(ngx_http_aws_sigv4_imds_job_t));

    if (job->data == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    /*
     * When the service has trouble it hands out those that it has, and so
     * instances go on working.
     */

    job->stable = 1;

    ngx_http_aws_sigv4_imds_begin(job);
}


static void
ngx_http_aws_sigv4_imds_begin(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_imds_t      *imds;
    ngx_http_aws_sigv4_imds_job_t  *ijob;

    imds = job->provider->data;
    ijob = job->data;

    if (imds->token.len == 0
        || (ngx_msec_int_t) (imds->until - ngx_current_msec) <= 0)
    {
        imds->token.len = 0;

        ngx_http_aws_sigv4_imds_get(job, "/latest/api/token", NULL,
                                    ngx_http_aws_sigv4_imds_token);
        return;
    }

    if (imds->region && !ijob->no_region && job->region.len == 0) {
        ngx_http_aws_sigv4_imds_get(job, "/latest/meta-data/placement/region",
                                    NULL, ngx_http_aws_sigv4_imds_region);
        return;
    }

    ngx_http_aws_sigv4_imds_get(job,
                                "/latest/meta-data/iam/security-credentials/",
                                NULL, ngx_http_aws_sigv4_imds_role);
}


static void
ngx_http_aws_sigv4_imds_get(ngx_http_aws_sigv4_job_t *job, const char *path,
    ngx_str_t *name, ngx_http_aws_sigv4_job_fetch_pt handler)
{
    size_t                          size;
    ngx_str_t                       empty;
    ngx_http_aws_sigv4_imds_t      *imds;
    ngx_http_aws_sigv4_imds_job_t  *ijob;

    imds = job->provider->data;
    ijob = job->data;

    ngx_str_null(&empty);

    if (name == NULL) {
        name = &empty;
    }

    size = imds->base.len + ngx_strlen(path) + name->len;

    ijob->path.data = ngx_pnalloc(job->pool, size);
    if (ijob->path.data == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    ijob->path.len = ngx_sprintf(ijob->path.data, "%V%s%V", &imds->base, path,
                                 name)
                     - ijob->path.data;
    ijob->handler = handler;
    ijob->attempt = 1;

    ngx_http_aws_sigv4_imds_send(job);
}


static void
ngx_http_aws_sigv4_imds_send(ngx_http_aws_sigv4_job_t *job)
{
    ngx_int_t                       rc;
    ngx_http_aws_sigv4_fetch_t     *f;
    ngx_http_aws_sigv4_imds_t      *imds;
    ngx_http_aws_sigv4_imds_job_t  *ijob;

    static ngx_str_t  ttl = ngx_string("21600");

    imds = job->provider->data;
    ijob = job->data;

    f = ngx_http_aws_sigv4_job_fetch(job, &imds->origin, ijob->handler);
    if (f == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    f->uri = ijob->path;
    f->connect_timeout = imds->timeout;
    f->send_timeout = imds->timeout;
    f->read_timeout = imds->timeout;
    f->timeout = imds->timeout * 2;

    if (imds->token.len == 0) {
        ngx_str_set(&f->method, "PUT");

        rc = ngx_http_aws_sigv4_fetch_header(f,
                                      "X-aws-ec2-metadata-token-ttl-seconds",
                                      &ttl);
    } else {
        rc = ngx_http_aws_sigv4_fetch_header(f, "X-aws-ec2-metadata-token",
                                             &imds->token);
    }

    if (rc != NGX_OK) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    ngx_http_aws_sigv4_fetch_start(f);
}


static void
ngx_http_aws_sigv4_imds_token(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    char                       *err;
    ngx_http_aws_sigv4_imds_t  *imds;

    imds = job->provider->data;

    if (ngx_http_aws_sigv4_imds_retry(job, f) == NGX_OK) {
        return;
    }

    if (f->status == 0) {
        ngx_http_aws_sigv4_job_fail(job, "there is no token of IMDSv2: %V "
                                    "(if nginx runs in a container, its host "
                                    "needs HttpPutResponseHopLimit 2)",
                                    &f->error);
        return;
    }

    if (f->status == 403 || f->status == 404 || f->status == 405) {
        ngx_http_aws_sigv4_job_fail(job, "the request for a token of IMDSv2 "
                                    "was answered with %ui, %V is not the "
                                    "metadata service or it is switched off",
                                    f->status, &imds->origin.name);
        return;
    }

    if (f->status != 200) {
        ngx_http_aws_sigv4_job_fail(job, "the request for a token of IMDSv2 "
                                    "was answered with %ui", f->status);
        return;
    }

    err = ngx_http_aws_sigv4_imds_keep(imds, f);

    if (err != NULL) {
        ngx_http_aws_sigv4_job_fail(job, "the token of IMDSv2 %s", err);
        return;
    }

    ngx_http_aws_sigv4_imds_begin(job);
}


static char *
ngx_http_aws_sigv4_imds_keep(ngx_http_aws_sigv4_imds_t *imds,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_int_t  ttl;
    ngx_str_t  token, value;

    token = ngx_http_aws_sigv4_imds_line(&f->response,
                                         NGX_HTTP_AWS_SIGV4_IMDS_TOKEN);

    if (token.len == 0) {
        return "is empty, too long or not printable";
    }

    if (imds->token.data == NULL) {
        imds->token.data = ngx_http_aws_sigv4_secret_alloc(
                                               NGX_HTTP_AWS_SIGV4_IMDS_TOKEN,
                                               ngx_cycle->log);
        if (imds->token.data == NULL) {
            return "cannot be kept without memory";
        }
    }

    ngx_memcpy(imds->token.data, token.data, token.len);
    imds->token.len = token.len;

    value = ngx_http_aws_sigv4_fetch_field(f,
                                     "x-aws-ec2-metadata-token-ttl-seconds");
    ttl = ngx_atoi(value.data, value.len);

    if (ttl == NGX_ERROR || ttl > NGX_HTTP_AWS_SIGV4_IMDS_TTL) {
        ttl = NGX_HTTP_AWS_SIGV4_IMDS_TTL;
    }

    /* a short one is used for this attempt at least */

    ttl = ngx_max(ttl - NGX_HTTP_AWS_SIGV4_IMDS_MARGIN, 30);

    imds->until = ngx_current_msec + ttl * 1000;

    return NULL;
}


/*
 * The region is good to have, and no reason to fail for ever.  But what has
 * been fetched without one is used for hours: what may be a passing trouble
 * is worth a few attempts more.
 */

static void
ngx_http_aws_sigv4_imds_region(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_str_t                       region;
    ngx_http_aws_sigv4_imds_job_t  *ijob;

    ijob = job->data;

    if (ngx_http_aws_sigv4_imds_retry(job, f) == NGX_OK) {
        return;
    }

    ngx_str_null(&region);

    if (f->status == 200) {
        region = ngx_http_aws_sigv4_imds_line(&f->response, 64);
    }

    if (region.len == 0) {

        if (ngx_http_aws_sigv4_imds_passing(f)
            && job->tries < NGX_HTTP_AWS_SIGV4_IMDS_REGION)
        {
            if (f->status == 0) {
                ngx_http_aws_sigv4_job_fail(job, "the region: %V", &f->error);

            } else {
                ngx_http_aws_sigv4_job_fail(job, "the request for the region "
                                            "was answered with %ui",
                                            f->status);
            }

            return;
        }

        ngx_log_error(NGX_LOG_WARN, job->log, 0,
                      "aws sigv4: provider \"%V\" cannot tell the region: "
                      "%V was answered with %ui", &job->provider->name,
                      &f->uri, f->status);

        ijob->no_region = 1;
        ngx_http_aws_sigv4_imds_begin(job);
        return;
    }

    job->region.data = ngx_pstrdup(job->pool, &region);
    if (job->region.data == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    job->region.len = region.len;

    ngx_http_aws_sigv4_imds_begin(job);
}


static void
ngx_http_aws_sigv4_imds_role(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_str_t  role;

    if (ngx_http_aws_sigv4_imds_retry(job, f) == NGX_OK) {
        return;
    }

    if (f->status == 0) {
        ngx_http_aws_sigv4_job_fail(job, "the name of the role: %V",
                                    &f->error);
        return;
    }

    if (f->status == 404) {
        ngx_http_aws_sigv4_job_fail(job, "the instance has no role: attach "
                                    "an instance profile to it");
        return;
    }

    if (f->status != 200) {
        ngx_http_aws_sigv4_job_fail(job, "the request for the name of the "
                                    "role was answered with %ui", f->status);
        return;
    }

    role = ngx_http_aws_sigv4_imds_line(&f->response,
                                        NGX_HTTP_AWS_SIGV4_IMDS_ROLE);

    if (role.len == 0) {
        ngx_http_aws_sigv4_job_fail(job, "the name of the role is empty, too "
                                    "long or not printable");
        return;
    }

    ngx_http_aws_sigv4_imds_get(job,
                                "/latest/meta-data/iam/security-credentials/",
                                &role, ngx_http_aws_sigv4_imds_credentials);
}


static void
ngx_http_aws_sigv4_imds_credentials(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    if (ngx_http_aws_sigv4_imds_retry(job, f) == NGX_OK) {
        return;
    }

    if (f->status == 0) {
        ngx_http_aws_sigv4_job_fail(job, "the credentials of the role: %V",
                                    &f->error);
        return;
    }

    if (f->status != 200) {
        ngx_http_aws_sigv4_job_fail(job, "the request for the credentials of "
                                    "the role was answered with %ui",
                                    f->status);
        return;
    }

    ngx_http_aws_sigv4_job_json(job, &sigv4_json_imds, &f->response, 0);
}


/*
 * NGX_OK: it is asked again.  A token that is refused is replaced, once;
 * what may be a passing trouble is tried as often as is allowed.
 */

static ngx_int_t
ngx_http_aws_sigv4_imds_retry(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_imds_t      *imds;
    ngx_http_aws_sigv4_imds_job_t  *ijob;

    imds = job->provider->data;
    ijob = job->data;

    if (f->status == 401 && !ijob->renewed && imds->token.len) {
        ijob->renewed = 1;
        imds->token.len = 0;

        ngx_http_aws_sigv4_imds_begin(job);
        return NGX_OK;
    }

    if (!ngx_http_aws_sigv4_imds_passing(f)) {
        return NGX_DECLINED;
    }

    if (ijob->attempt == imds->attempts) {
        return NGX_DECLINED;
    }

    ijob->attempt++;

    ngx_http_aws_sigv4_imds_send(job);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_imds_passing(ngx_http_aws_sigv4_fetch_t *f)
{
    return f->status == 0 || f->status >= 500 || f->status == 429;
}


/* the first line; empty if it is not what it should be */

static ngx_str_t
ngx_http_aws_sigv4_imds_line(ngx_str_t *text, size_t max)
{
    size_t     i;
    ngx_str_t  line;

    line.data = text->data;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] == '\r' || text->data[i] == '\n') {
            break;
        }

        if (text->data[i] <= ' ' || text->data[i] >= 0x7f) {
            line.len = 0;
            return line;
        }
    }

    line.len = (i <= max) ? i : 0;

    return line;
}
