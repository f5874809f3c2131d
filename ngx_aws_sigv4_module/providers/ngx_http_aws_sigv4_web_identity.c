
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The session of a role that STS gives for a token of an identity provider:
 * IAM roles for service accounts of EKS, and any other OIDC.  The file with
 * the token is read for each request to STS, since it is replaced long
 * before the token expires.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_sts.h"


/* what STS takes is shorter */
#define NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_TOKEN  65536

#define NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_TRIES  3

/* before another try, in milliseconds */
#define NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_PAUSE  1000

#define NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_FILE                                  \
    NGX_HTTP_AWS_SIGV4_STS_PARAMS


typedef struct {
    ngx_http_aws_sigv4_sts_t             sts;
    ngx_http_aws_sigv4_file_t            file;
} ngx_http_aws_sigv4_web_identity_t;


typedef struct {
    ngx_event_t                          pause;
    ngx_uint_t                           tries;
} ngx_http_aws_sigv4_web_identity_job_t;


static ngx_int_t ngx_http_aws_sigv4_web_identity_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_web_identity_value(ngx_conf_t *cf,
    ngx_str_t *param, const char *env, ngx_str_t *value);
static void ngx_http_aws_sigv4_web_identity_fetch(
    ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_web_identity_abort(
    ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_web_identity_try(
    ngx_http_aws_sigv4_job_t *job);
static ngx_int_t ngx_http_aws_sigv4_web_identity_token(
    ngx_http_aws_sigv4_job_t *job, ngx_str_t *text, sigv4_str_t *token);
static void ngx_http_aws_sigv4_web_identity_fetched(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_web_identity_again(ngx_event_t *ev);


static ngx_http_aws_sigv4_param_t
    ngx_http_aws_sigv4_web_identity_params[] =
{
    ngx_http_aws_sigv4_sts_params,
    { ngx_string("token_file"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_web_identity_provider =
{
    ngx_string("web_identity"),
    ngx_http_aws_sigv4_web_identity_params,
    ngx_http_aws_sigv4_web_identity_init,
    ngx_http_aws_sigv4_remote_load,
    ngx_http_aws_sigv4_remote_refresh,
    ngx_http_aws_sigv4_web_identity_fetch,
    ngx_http_aws_sigv4_web_identity_abort
};


static ngx_int_t
ngx_http_aws_sigv4_web_identity_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_str_t                           arn, path, session;
    ngx_http_aws_sigv4_web_identity_t  *wi;

    wi = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_web_identity_t));
    if (wi == NULL) {
        return NGX_ERROR;
    }

    p->data = wi;

    if (ngx_http_aws_sigv4_web_identity_value(cf,
                                 &p->params[NGX_HTTP_AWS_SIGV4_STS_ROLE_ARN],
                                 "AWS_ROLE_ARN", &arn)
        != NGX_OK
        || ngx_http_aws_sigv4_web_identity_value(cf,
                            &p->params[NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_FILE],
                            "AWS_WEB_IDENTITY_TOKEN_FILE", &path)
           != NGX_OK
        || ngx_http_aws_sigv4_web_identity_value(cf,
                             &p->params[NGX_HTTP_AWS_SIGV4_STS_SESSION_NAME],
                             "AWS_ROLE_SESSION_NAME", &session)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (path.len == 0
        && p->params[NGX_HTTP_AWS_SIGV4_STS_ROLE_ARN].len == 0)
    {
        /* AWS_ROLE_ARN alone does not speak of a web identity */

        (void) ngx_http_aws_sigv4_provider_error(p, NGX_DECLINED,
                                   "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return NGX_OK;
    }

    if (path.len == 0 || arn.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" of type "
                           "web_identity needs \"%s=\" or %s", &p->name,
                           path.len ? "role_arn" : "token_file",
                           path.len ? "AWS_ROLE_ARN"
                                    : "AWS_WEB_IDENTITY_TOKEN_FILE");
        return NGX_ERROR;
    }

    if (ngx_http_aws_sigv4_remote_create(cf, p) != NGX_OK
        || ngx_http_aws_sigv4_provider_file(cf, p, &path) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* it is not watched: whatever is in it counts when STS is asked */

    wi->file = p->files[--p->nfiles];

    ngx_http_aws_sigv4_remote_key(p, &wi->file.name);

    return ngx_http_aws_sigv4_sts_init(cf, p, &wi->sts, &arn, &session);
}


static ngx_int_t
ngx_http_aws_sigv4_web_identity_value(ngx_conf_t *cf, ngx_str_t *param,
    const char *env, ngx_str_t *value)
{
    ngx_str_t  s;

    *value = *param;

    if (value->len) {
        return NGX_OK;
    }

    s = ngx_http_aws_sigv4_environ_get(cf, env);

    value->len = s.len;
    value->data = ngx_pnalloc(cf->pool, s.len + 1);

    if (value->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(value->data, s.data, s.len) = '\0';

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_web_identity_fetch(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_web_identity_job_t  *own;

    own = ngx_pcalloc(job->pool,
                      sizeof(ngx_http_aws_sigv4_web_identity_job_t));
    if (own == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    own->pause.handler = ngx_http_aws_sigv4_web_identity_again;
    own->pause.data = job;
    own->pause.log = job->log;
    own->pause.cancelable = 1;

    job->data = own;

    ngx_http_aws_sigv4_web_identity_try(job);
}


static void
ngx_http_aws_sigv4_web_identity_abort(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_web_identity_job_t  *own;

    own = job->data;

    if (own != NULL && own->pause.timer_set) {
        ngx_del_timer(&own->pause);
    }
}


static void
ngx_http_aws_sigv4_web_identity_try(ngx_http_aws_sigv4_job_t *job)
{
    ngx_str_t                               text;
    sigv4_str_t                             token;
    ngx_http_aws_sigv4_web_identity_t      *wi;
    ngx_http_aws_sigv4_web_identity_job_t  *own;

    wi = job->provider->data;
    own = job->data;

    own->tries++;

    if (ngx_http_aws_sigv4_web_identity_token(job, &text, &token) != NGX_OK) {
        return;
    }

    ngx_http_aws_sigv4_sts_send(job, &wi->sts, token, NULL,
                                ngx_http_aws_sigv4_web_identity_fetched);

    ngx_http_aws_sigv4_secret_free(text.data);
}


/* NGX_ERROR: the job has ended */

static ngx_int_t
ngx_http_aws_sigv4_web_identity_token(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *text, sigv4_str_t *token)
{
    u_char                             *last;
    ngx_str_t                           error;
    const char                         *err;
    ngx_http_aws_sigv4_web_identity_t  *wi;

    wi = job->provider->data;

    if (ngx_http_aws_sigv4_file_read(&wi->file, job->log, text, &error)
        != NGX_OK)
    {
        ngx_http_aws_sigv4_job_fail(job, "file \"%V\" %V", &wi->file.name,
                                    &error);
        return NGX_ERROR;
    }

    /* what editors and echo put there; a token has no white space */

    token->data = text->data;
    last = text->data + text->len;

    while (last > text->data && ngx_strchr(" \t\r\n", last[-1]) != NULL) {
        last--;
    }

    token->len = last - text->data;

    err = NULL;

    if (token->len == 0) {
        err = "is empty";

    } else if (token->len > NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_TOKEN) {
        err = "is larger than 64K";
    }

    if (err != NULL) {
        ngx_http_aws_sigv4_secret_free(text->data);
        ngx_http_aws_sigv4_job_fail(job, "file \"%V\" %s", &wi->file.name,
                                    err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_web_identity_fetched(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_int_t                               rc;
    ngx_http_aws_sigv4_web_identity_t      *wi;
    ngx_http_aws_sigv4_web_identity_job_t  *own;

    wi = job->provider->data;
    own = job->data;

    rc = ngx_http_aws_sigv4_sts_result(job, &wi->sts, f,
                        "AssumeRoleWithWebIdentity",
                        own->tries == NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_TRIES);

    if (rc == NGX_AGAIN) {
        ngx_add_timer(&own->pause,
                      NGX_HTTP_AWS_SIGV4_WEB_IDENTITY_PAUSE * own->tries);
    }
}


static void
ngx_http_aws_sigv4_web_identity_again(ngx_event_t *ev)
{
    ngx_http_aws_sigv4_web_identity_try(ev->data);
}
