
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cloudwatch.h"
#include "core/sigv4_refusal.h"


/* of an answer, as much as is looked at */
#define NGX_HTTP_AWS_SIGV4_CW_ANSWER      16384


typedef struct {
    ngx_http_aws_sigv4_cloudwatch_t  *cw;
    uint64_t                          generation; /* of the credentials */
    ngx_http_aws_sigv4_call_t         call;
} ngx_http_aws_sigv4_cloudwatch_ctx_t;


static void ngx_http_aws_sigv4_cloudwatch_handler(ngx_event_t *ev);
static void ngx_http_aws_sigv4_cloudwatch_send(
    ngx_http_aws_sigv4_cloudwatch_t *cw);
static char *ngx_http_aws_sigv4_cloudwatch_request(
    ngx_http_aws_sigv4_cloudwatch_ctx_t *ctx, ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_cloudwatch_answer(
    ngx_http_aws_sigv4_fetch_t *f);
static ngx_uint_t ngx_http_aws_sigv4_cloudwatch_accepted(
    ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_cloudwatch_refused(
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_cloudwatch_failed(
    ngx_http_aws_sigv4_cloudwatch_t *cw, const char *fmt, ...);


void
ngx_http_aws_sigv4_cloudwatch_init(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return;
    }

    cw->timer.handler = ngx_http_aws_sigv4_cloudwatch_handler;
    cw->timer.data = cw;
    cw->timer.log = ngx_cycle->log;
    cw->timer.cancelable = 1;

    ngx_http_aws_sigv4_cloudwatch_begin(cw);

    ngx_add_timer(&cw->timer, 1);
}


static void
ngx_http_aws_sigv4_cloudwatch_handler(ngx_event_t *ev)
{
    ngx_http_aws_sigv4_cloudwatch_t *cw = ev->data;

    ngx_msec_t  due;

    if (ngx_exiting) {
        return;
    }

    due = ngx_http_aws_sigv4_cloudwatch_due(cw);

    if (due == 0) {
        ngx_http_aws_sigv4_cloudwatch_send(cw);
        due = cw->interval;
    }

    ngx_add_timer(&cw->timer, due);
}


static void
ngx_http_aws_sigv4_cloudwatch_send(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    char                                 *err;
    ngx_http_aws_sigv4_fetch_t           *f;
    ngx_http_aws_sigv4_cloudwatch_ctx_t  *ctx;

    f = ngx_http_aws_sigv4_fetch_create(ngx_cycle->log);

    if (f == NULL) {
        ngx_http_aws_sigv4_cloudwatch_failed(cw, "there is no memory");
        return;
    }

    err = "there is no memory";

    ctx = ngx_palloc(f->pool, sizeof(ngx_http_aws_sigv4_cloudwatch_ctx_t));

    if (ctx != NULL) {
        ctx->cw = cw;
        f->data = ctx;

        err = ngx_http_aws_sigv4_cloudwatch_request(ctx, f);
    }

    if (err != NULL) {
        ngx_http_aws_sigv4_cloudwatch_failed(cw, "%s", err);
        ngx_http_aws_sigv4_fetch_abort(f);
        return;
    }

    if (f->body.len == 0) {
        ngx_http_aws_sigv4_cloudwatch_end(cw);
        ngx_http_aws_sigv4_fetch_abort(f);
        return;
    }

    /* what another has written meanwhile is not what the form was made of */

    if (ngx_http_aws_sigv4_cloudwatch_hold(cw) != NGX_OK) {
        ngx_http_aws_sigv4_fetch_abort(f);
        return;
    }

    ngx_http_aws_sigv4_fetch_start(f);
}


static char *
ngx_http_aws_sigv4_cloudwatch_request(
    ngx_http_aws_sigv4_cloudwatch_ctx_t *ctx, ngx_http_aws_sigv4_fetch_t *f)
{
    int                                rc;
    ngx_http_aws_sigv4_cloudwatch_t   *cw;
    ngx_http_aws_sigv4_credentials_t  *cred;

    static ngx_str_t  type = ngx_string("application/x-www-form-urlencoded");

    cw = ctx->cw;

    f->purpose = "to tell CloudWatch what was counted";
    f->origin = &cw->origin;
    f->resolver = cw->resolver;
    f->ssl = cw->ssl;
    f->timeout = NGX_HTTP_AWS_SIGV4_CW_TIME;
    f->send_timeout = 10000;
    f->read_timeout = 10000;
    f->handler = ngx_http_aws_sigv4_cloudwatch_answer;

    ngx_str_set(&f->method, "POST");

    if (ngx_http_aws_sigv4_cloudwatch_form(cw, f->pool, &ctx->call, &f->body)
        != NGX_OK
        || ngx_http_aws_sigv4_fetch_header(f, "Content-Type", &type)
           != NGX_OK)
    {
        return "there is no memory";
    }

    if (f->body.len == 0) {
        return NULL;
    }

    if (ngx_http_aws_sigv4_credentials_get(cw->provider, f->log, &cred)
        != NGX_OK)
    {
        return "there are no credentials";
    }

    ctx->generation = cred->generation;

    rc = ngx_http_aws_sigv4_sign_form(f, "monitoring",
                                       ngx_http_aws_sigv4_str(&cw->region),
                                       &cred->value);

    return rc == SIGV4_OK ? NULL : (char *) sigv4_strerror(rc);
}


static void
ngx_http_aws_sigv4_cloudwatch_answer(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_cloudwatch_t      *cw;
    ngx_http_aws_sigv4_cloudwatch_ctx_t  *ctx;

    ctx = f->data;
    cw = ctx->cw;

    if (f->status == 0) {
        ngx_http_aws_sigv4_cloudwatch_failed(cw, "%V: %V", &cw->origin.name,
                                             &f->error);
        return;
    }

    if (f->status != NGX_HTTP_OK) {
        ngx_http_aws_sigv4_cloudwatch_refused(cw, f);
        return;
    }

    if (!ngx_http_aws_sigv4_cloudwatch_accepted(f)) {
        ngx_http_aws_sigv4_cloudwatch_failed(cw, "%V answered with status "
                                             "200, but not as CloudWatch "
                                             "does, look at \"endpoint=\"",
                                             &cw->origin.name);
        return;
    }

    switch (ngx_http_aws_sigv4_cloudwatch_sent(cw, &ctx->call)) {

    case NGX_DECLINED:
        return;

    case NGX_AGAIN:
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "aws sigv4: CloudWatch is told again what was counted");
        break;

    default: /* NGX_OK */
        break;
    }

    if (cw->todo == 0 || --cw->calls == 0 || ngx_exiting) {
        ngx_http_aws_sigv4_cloudwatch_end(cw);
        return;
    }

    ngx_http_aws_sigv4_cloudwatch_send(cw);
}


/* a server that is none of CloudWatch may say 200 to everybody */

static ngx_uint_t
ngx_http_aws_sigv4_cloudwatch_accepted(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_str_t  *text;

    text = &f->response;

    return text->len != 0
           && ngx_strnstr(text->data, "<PutMetricDataResponse",
                          ngx_min(text->len, NGX_HTTP_AWS_SIGV4_CW_ANSWER))
              != NULL;
}


/* the code alone: messages may have times in them, and are never the same */

static void
ngx_http_aws_sigv4_cloudwatch_refused(ngx_http_aws_sigv4_cloudwatch_t *cw,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_str_t                             code;
    ngx_uint_t                            i;
    sigv4_buf_t                           buf;
    sigv4_str_t                           text;
    sigv4_refusal_t                       refusal;
    ngx_http_aws_sigv4_cloudwatch_ctx_t  *ctx;

    text.data = f->response.data;
    text.len = ngx_min(f->response.len, NGX_HTTP_AWS_SIGV4_CW_ANSWER);

    buf.last = ngx_pnalloc(f->pool, text.len + 1);

    if (buf.last == NULL) {
        ngx_http_aws_sigv4_cloudwatch_failed(cw, "there is no memory");
        return;
    }

    buf.end = buf.last + text.len;

    sigv4_refusal_read(&refusal, text, &buf);

    switch (sigv4_cause(&refusal)) {

    case SIGV4_CAUSE_UNKNOWN_KEY:
    case SIGV4_CAUSE_MISSING_TOKEN:
    case SIGV4_CAUSE_EXPIRED_TOKEN:
        ctx = f->data;

        ngx_http_aws_sigv4_credentials_refused(cw->provider, ctx->generation);
        break;

    default:
        break;
    }

    code.data = (u_char *) refusal.code.data;
    code.len = ngx_min(refusal.code.len, 64);

    for (i = 0; i < code.len; i++) {
        if (code.data[i] <= 0x20 || code.data[i] > 0x7e) {
            code.len = i;
        }
    }

    if (code.len == 0) {
        ngx_str_set(&code, "and no code");
    }

    ngx_http_aws_sigv4_cloudwatch_failed(cw, "%V answered with status %ui: "
                                         "%V", &cw->origin.name, f->status,
                                         &code);
}


/* what has not been sent is sent with the next call */

static void
ngx_http_aws_sigv4_cloudwatch_failed(ngx_http_aws_sigv4_cloudwatch_t *cw,
    const char *fmt, ...)
{
    u_char     *p, text[NGX_HTTP_AWS_SIGV4_CW_ERROR];
    va_list     args;
    ngx_str_t   error;

    /* it is not that CloudWatch fails */

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        ngx_http_aws_sigv4_cloudwatch_end(cw);
        return;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    error.data = text;
    error.len = p - text;

    if (ngx_http_aws_sigv4_cloudwatch_not_sent(cw, &error) == NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aws sigv4: CloudWatch could not be told what was "
                      "counted: %V; next try in %M ms, until then it is "
                      "kept", &error, cw->interval);
    }
}
