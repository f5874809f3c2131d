
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_sts.h"
#include "sigv4_sts.h"


#define NGX_HTTP_AWS_SIGV4_STS_SESSION    "nginx-"
#define NGX_HTTP_AWS_SIGV4_STS_OK         200


static ngx_int_t ngx_http_aws_sigv4_sts_session(ngx_conf_t *cf,
    ngx_http_aws_sigv4_sts_t *sts, ngx_str_t *name);
static ngx_int_t ngx_http_aws_sigv4_sts_duration(ngx_conf_t *cf,
    ngx_http_aws_sigv4_sts_t *sts, ngx_str_t *value);
static ngx_int_t ngx_http_aws_sigv4_sts_form(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_sts_t *sts, sigv4_str_t token);
static ngx_uint_t ngx_http_aws_sigv4_sts_again(sigv4_str_t *code);
static ngx_uint_t ngx_http_aws_sigv4_sts_refused(sigv4_str_t *code);
static ngx_uint_t ngx_http_aws_sigv4_sts_is(sigv4_str_t *code,
    ngx_str_t *codes);


ngx_int_t
ngx_http_aws_sigv4_sts_init(ngx_conf_t *cf, ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_sts_t *sts, ngx_str_t *role_arn,
    ngx_str_t *session_name)
{
    ngx_http_aws_sigv4_remote_key(p, role_arn);
    ngx_http_aws_sigv4_remote_key(p, session_name);

    if (ngx_http_aws_sigv4_sts_param(cf, role_arn, "role_arn",
                                     sigv4_role_check_arn, &sts->role.arn)
        != NGX_OK
        || ngx_http_aws_sigv4_sts_session(cf, sts, session_name) != NGX_OK
        || ngx_http_aws_sigv4_sts_duration(cf, sts,
                                  &p->params[NGX_HTTP_AWS_SIGV4_STS_DURATION])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_sts_endpoint(cf, p, sts);
}


ngx_int_t
ngx_http_aws_sigv4_sts_param(ngx_conf_t *cf, ngx_str_t *value,
    const char *name, const char *(*check)(sigv4_str_t value),
    sigv4_str_t *dst)
{
    const char  *err;

    if (value->len == 0) {
        return NGX_OK;
    }

    dst->len = value->len;
    dst->data = value->data;

    err = check(*dst);

    if (err == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": \"%s=%V\" %s",
                       name, value, err);

    return NGX_ERROR;
}


/* STS takes no longer ones; what CloudTrail shows is their begin */

static ngx_int_t
ngx_http_aws_sigv4_sts_session(ngx_conf_t *cf, ngx_http_aws_sigv4_sts_t *sts,
    ngx_str_t *name)
{
    u_char       text[sizeof(NGX_HTTP_AWS_SIGV4_STS_SESSION)
                      + NGX_MAXHOSTNAMELEN];
    sigv4_str_t  full;

    if (name->len == 0) {
        full.data = text;
        full.len = ngx_snprintf(text, sizeof(text),
                                NGX_HTTP_AWS_SIGV4_STS_SESSION "%V",
                                &cf->cycle->hostname)
                   - text;

    } else if (ngx_http_aws_sigv4_sts_param(cf, name, "session_name",
                                            sigv4_role_check_session_name,
                                            &full)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    sts->role.session_name = sigv4_role_session_name(full,
                                                     sts->session_name);

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_sts_duration(ngx_conf_t *cf,
    ngx_http_aws_sigv4_sts_t *sts, ngx_str_t *value)
{
    sigv4_str_t  digits;

    if (value->len == 0) {
        return NGX_OK;
    }

    digits.len = value->len;
    digits.data = value->data;

    sts->role.duration = sigv4_role_duration(digits);

    if (sts->role.duration == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": \"duration=%V\" is not "
                           "a number of seconds from %d to %d", value,
                           SIGV4_ROLE_DURATION_MIN, SIGV4_ROLE_DURATION_MAX);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_aws_sigv4_sts_send(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_sts_t *sts, sigv4_str_t token,
    sigv4_credentials_t *cred, ngx_http_aws_sigv4_job_fetch_pt handler)
{
    int                          rc;
    ngx_str_t                    type;
    ngx_http_aws_sigv4_fetch_t  *f;

    f = ngx_http_aws_sigv4_job_fetch(job, &sts->origin, handler);
    if (f == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory for a request");
        return;
    }

    ngx_str_set(&f->method, "POST");
    ngx_str_set(&type, "application/x-www-form-urlencoded");

    if (ngx_http_aws_sigv4_sts_form(f, sts, token) != NGX_OK
        || ngx_http_aws_sigv4_fetch_header(f, "Content-Type", &type) != NGX_OK)
    {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory for a request");
        return;
    }

    if (cred != NULL) {
        rc = ngx_http_aws_sigv4_sign_form(f, "sts", sts->region, cred);

        if (rc != SIGV4_OK) {
            ngx_http_aws_sigv4_job_fail(job, "the request to %V cannot be "
                                        "signed: %s", &sts->origin.name,
                                        sigv4_strerror(rc));
            return;
        }
    }

    ngx_http_aws_sigv4_fetch_start(f);
}


static ngx_int_t
ngx_http_aws_sigv4_sts_form(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_sts_t *sts, sigv4_str_t token)
{
    size_t       size;
    sigv4_buf_t  buf;
    sigv4_str_t  form;

    size = sigv4_role_form_size(&sts->role, token);

    buf.last = ngx_http_aws_sigv4_fetch_alloc(f, size);
    if (buf.last == NULL) {
        return NGX_ERROR;
    }

    buf.end = buf.last + size;

    if (sigv4_role_form(&sts->role, token, &buf, &form) != SIGV4_OK) {
        return NGX_ERROR;
    }

    f->body.len = form.len;
    f->body.data = (u_char *) form.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_sts_result(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_sts_t *sts, ngx_http_aws_sigv4_fetch_t *f,
    const char *action, ngx_uint_t last)
{
    int                rc;
    size_t             size;
    u_char            *text;
    ngx_int_t          result;
    sigv4_buf_t        buf;
    sigv4_str_t        response;
    sigv4_document_t   doc;

    if (f->status == 0) {
        ngx_http_aws_sigv4_job_fail(job, "%V: %V", &sts->origin.name,
                                    &f->error);
        return NGX_OK;
    }

    response.len = f->response.len;
    response.data = f->response.data;

    size = sigv4_document_size(response.len);

    text = ngx_http_aws_sigv4_secret_alloc(size, job->log);
    if (text == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory for a response");
        return NGX_OK;
    }

    buf.last = text;
    buf.end = text + size;

    rc = sigv4_sts_credentials(&doc, action, response, &buf, ngx_time());

    result = NGX_OK;

    if (rc == SIGV4_OK && f->status == NGX_HTTP_AWS_SIGV4_STS_OK) {
        ngx_http_aws_sigv4_job_done(job, &doc.value, doc.expires);

    } else if (!last && ngx_http_aws_sigv4_sts_again(&doc.code)) {
        result = NGX_AGAIN;

    } else {
        if (ngx_http_aws_sigv4_sts_refused(&doc.code)) {
            result = NGX_DECLINED;
        }

        ngx_http_aws_sigv4_job_fail(job, "%V answered with status %ui: %s",
                                    &sts->origin.name, f->status,
                                    rc == SIGV4_OK ? "credentials"
                                                   : doc.error);
    }

    ngx_http_aws_sigv4_secret_free(text);
    ngx_explicit_memzero(&doc, sizeof(sigv4_document_t));

    return result;
}


/*
 * Either may go away by itself: STS could not ask the identity provider,
 * or the token was read while it was being replaced.
 */

static ngx_uint_t
ngx_http_aws_sigv4_sts_again(sigv4_str_t *code)
{
    static ngx_str_t  codes[] = {
        ngx_string("IDPCommunicationError"),
        ngx_string("InvalidIdentityToken"),
        ngx_null_string
    };

    return ngx_http_aws_sigv4_sts_is(code, codes);
}


/* of the credentials that have signed */

static ngx_uint_t
ngx_http_aws_sigv4_sts_refused(sigv4_str_t *code)
{
    static ngx_str_t  codes[] = {
        ngx_string("ExpiredToken"),
        ngx_string("ExpiredTokenException"),
        ngx_string("InvalidClientTokenId"),
        ngx_null_string
    };

    return ngx_http_aws_sigv4_sts_is(code, codes);
}


static ngx_uint_t
ngx_http_aws_sigv4_sts_is(sigv4_str_t *code, ngx_str_t *codes)
{
    ngx_uint_t  i;

    for (i = 0; codes[i].len; i++) {

        if (code->len == codes[i].len
            && ngx_strncmp(code->data, codes[i].data, code->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
