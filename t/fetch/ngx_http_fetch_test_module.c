
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What t/fetch.t drives the fetch with: a location with
 *
 *     fetch_test [ca];
 *
 * answers a request with what came of a fetch.  Its arguments say which:
 * url, method, uri, header (for X-Test and X-Other), body, size, and the
 * time limits connect, read and all, in milliseconds.  With "detach" the
 * answer is "started" at once, and the log says what came; with "again" the
 * fetch is done a second time, from its own handler.  If the client goes
 * away, the fetch is aborted.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_aws_sigv4_fetch.h"


typedef struct {
    ngx_flag_t                     enable;
    ngx_ssl_t                     *ssl;
} ngx_http_fetch_test_conf_t;


typedef struct {
    ngx_http_request_t            *request;   /* NULL: detached */
    ngx_http_aws_sigv4_fetch_t    *fetch;     /* NULL: done */
    ngx_uint_t                     again;
} ngx_http_fetch_test_ctx_t;


static ngx_int_t ngx_http_fetch_test_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_fetch_test_start(ngx_http_request_t *r,
    ngx_http_fetch_test_ctx_t *ctx, ngx_str_t *err);
static void ngx_http_fetch_test_done(ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_fetch_test_detached(ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_fetch_test_cleanup(void *data);
static ngx_int_t ngx_http_fetch_test_send(ngx_http_request_t *r,
    ngx_str_t *text);
static ngx_int_t ngx_http_fetch_test_arg(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static void ngx_http_fetch_test_msec(ngx_http_request_t *r, const char *name,
    ngx_msec_t *value);
static void *ngx_http_fetch_test_create_conf(ngx_conf_t *cf);
static char *ngx_http_fetch_test(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void ngx_http_fetch_test_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_fetch_test_commands[] = {

    { ngx_string("fetch_test"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_fetch_test,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_fetch_test_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_fetch_test_create_conf,       /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_fetch_test_module = {
    NGX_MODULE_V1,
    &ngx_http_fetch_test_module_ctx,       /* module context */
    ngx_http_fetch_test_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_fetch_test_exit_process,      /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* what nginx's configure makes for a dynamic module */

extern ngx_module_t  *ngx_modules[];
extern char          *ngx_module_names[];
extern char          *ngx_module_order[];

ngx_module_t  *ngx_modules[] = { &ngx_http_fetch_test_module, NULL };
char          *ngx_module_names[] = { "ngx_http_fetch_test_module", NULL };
char          *ngx_module_order[] = { NULL };


static ngx_int_t
ngx_http_fetch_test_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   value, text;
    ngx_pool_cleanup_t         *cln;
    ngx_http_fetch_test_ctx_t  *ctx;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_fetch_test_arg(r, "detach", &value) == NGX_OK) {
        rc = ngx_http_fetch_test_start(r, NULL, &text);

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_str_set(&text, "started\n");

        return ngx_http_fetch_test_send(r, &text);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_fetch_test_ctx_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (ctx == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_fetch_test_cleanup;
    cln->data = ctx;

    ctx->request = r;
    ctx->again = ngx_http_fetch_test_arg(r, "again", &value) == NGX_OK;

    rc = ngx_http_fetch_test_start(r, ctx, &text);

    if (rc == NGX_DECLINED) {
        return ngx_http_fetch_test_send(r, &text);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_http_fetch_test_start(ngx_http_request_t *r,
    ngx_http_fetch_test_ctx_t *ctx, ngx_str_t *err)
{
    ngx_str_t                     value;
    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_fetch_test_conf_t   *conf;
    ngx_http_aws_sigv4_fetch_t   *f;
    ngx_http_aws_sigv4_origin_t  *origin;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_fetch_test_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    f = ngx_http_aws_sigv4_fetch_create(ngx_cycle->log);
    if (f == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&f->provider, "test");

    origin = ngx_palloc(f->pool, sizeof(ngx_http_aws_sigv4_origin_t));

    if (origin == NULL
        || ngx_http_fetch_test_arg(r, "url", &value) != NGX_OK)
    {
        ngx_http_aws_sigv4_fetch_abort(f);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    err->data = (u_char *) ngx_http_aws_sigv4_origin(f->pool, &value, origin);

    if (err->data != NULL) {
        err->len = ngx_strlen(err->data);

        ngx_http_aws_sigv4_fetch_abort(f);
        return NGX_DECLINED;
    }

    f->origin = origin;
    f->ssl = conf->ssl;
    f->resolver = clcf->resolver;

    (void) ngx_http_fetch_test_arg(r, "method", &f->method);
    (void) ngx_http_fetch_test_arg(r, "uri", &f->uri);
    (void) ngx_http_fetch_test_arg(r, "body", &f->body);

    ngx_http_fetch_test_msec(r, "connect", &f->connect_timeout);
    ngx_http_fetch_test_msec(r, "read", &f->read_timeout);
    ngx_http_fetch_test_msec(r, "all", &f->timeout);
    ngx_http_fetch_test_msec(r, "size", &f->max_size);

    if (ngx_http_fetch_test_arg(r, "header", &value) == NGX_OK
        && (ngx_http_aws_sigv4_fetch_header(f, "X-Test", &value) != NGX_OK
            || ngx_http_aws_sigv4_fetch_header(f, "X-Other", &value)
               != NGX_OK))
    {
        ngx_http_aws_sigv4_fetch_abort(f);
        return NGX_HTTP_BAD_REQUEST;
    }

    f->data = ctx;
    f->handler = ctx ? ngx_http_fetch_test_done : ngx_http_fetch_test_detached;

    if (ctx != NULL) {
        ctx->fetch = f;
    }

    ngx_http_aws_sigv4_fetch_start(f);

    return NGX_OK;
}


static void
ngx_http_fetch_test_done(ngx_http_aws_sigv4_fetch_t *f)
{
    u_char                     *p, *last;
    size_t                      size;
    ngx_int_t                   rc;
    ngx_str_t                   text, field;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_fetch_test_ctx_t  *ctx;

    ctx = f->data;
    r = ctx->request;
    c = r->connection;

    ctx->fetch = NULL;

    if (ctx->again) {
        ctx->again = 0;

        if (ngx_http_fetch_test_start(r, ctx, &text) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            ngx_http_run_posted_requests(c);
        }

        return;
    }

    ngx_str_null(&field);

    if (f->status) {
        field = ngx_http_aws_sigv4_fetch_field(f, "x-answer");
    }

    rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    size = f->error.len + f->response.len + field.len + 64;

    p = ngx_pnalloc(r->pool, size);

    if (p != NULL) {
        last = ngx_slprintf(p, p + size, "%ui [%V] [%V] [%V]\n", f->status,
                            &f->error, &field, &f->response);
        text.data = p;
        text.len = last - p;

        rc = ngx_http_fetch_test_send(r, &text);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_fetch_test_detached(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "fetch test: %ui [%V] %uz", f->status, &f->error,
                  f->response.len);
}


static void
ngx_http_fetch_test_cleanup(void *data)
{
    ngx_http_fetch_test_ctx_t *ctx = data;

    if (ctx->fetch != NULL) {
        ngx_http_aws_sigv4_fetch_abort(ctx->fetch);
        ctx->fetch = NULL;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "fetch test: aborted");
    }
}


static ngx_int_t
ngx_http_fetch_test_send(ngx_http_request_t *r, ngx_str_t *text)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = text->len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_create_temp_buf(r->pool, text->len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->last, text->data, text->len);
    b->last_buf = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* the memory is that of the request; NGX_DECLINED: it is not there */

static ngx_int_t
ngx_http_fetch_test_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    u_char     *src, *dst;
    ngx_str_t   raw;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &raw) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* what is detached outlives the request */

    dst = ngx_pnalloc(ngx_cycle->pool, raw.len + 1);
    if (dst == NULL) {
        return NGX_DECLINED;
    }

    src = raw.data;
    value->data = dst;

    ngx_unescape_uri(&dst, &src, raw.len, 0);

    value->len = dst - value->data;

    return NGX_OK;
}


static void
ngx_http_fetch_test_msec(ngx_http_request_t *r, const char *name,
    ngx_msec_t *value)
{
    ngx_str_t  text;

    if (ngx_http_fetch_test_arg(r, name, &text) == NGX_OK) {
        *value = ngx_atoi(text.data, text.len);
    }
}


static void *
ngx_http_fetch_test_create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_fetch_test_conf_t));
}


static char *
ngx_http_fetch_test(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fetch_test_conf_t *ftcf = conf;

    ngx_str_t                  ca, *value;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    ngx_str_null(&ca);

    if (cf->args->nelts == 2) {
        ca = value[1];
    }

    ftcf->ssl = ngx_http_aws_sigv4_fetch_ssl(cf, "aws_sigv4_fetch_test", &ca);
    if (ftcf->ssl == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_fetch_test_handler;

    return NGX_CONF_OK;
}


static void
ngx_http_fetch_test_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_aws_sigv4_fetch_exit();
}
