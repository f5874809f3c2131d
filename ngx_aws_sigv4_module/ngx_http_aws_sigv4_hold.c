
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The head of an answer to the LLM gateway waits until so much of its body
 * has come that header_filter_by_lua can tell what it is: the first frame of
 * an event stream, which may be an exception, or the whole of a JSON.
 *
 * A module of its own, for a context of its own: requests that are not
 * signed have answers too, and internal redirects let go of it.  Its filters
 * must run before those of ngx_lua, in whatever order the two are loaded, and
 * so they come last of all: when a worker starts.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_aws_sigv4_ffi.h"


/* what is longer goes on as it comes; exceptions are short */
#define NGX_HTTP_AWS_SIGV4_HOLD_FRAME   (16 * 1024)
#define NGX_HTTP_AWS_SIGV4_HOLD_JSON    (1024 * 1024)

/* of what is kept; bytes may come one by one */
#define NGX_HTTP_AWS_SIGV4_HOLD_BLOCK   4096

/* of a frame: its length, that of its headers, and the CRC of both */
#define NGX_HTTP_AWS_SIGV4_HOLD_PRELUDE  12


typedef struct {
    ngx_chain_t    *bufs;           /* kept so far */
    ngx_chain_t    *last;
    ngx_chain_t    *shown;          /* while the head is on its way */
    size_t          size;           /* of all that came */
    u_char          prelude[NGX_HTTP_AWS_SIGV4_HOLD_PRELUDE];
    unsigned        frames:1;
    unsigned        holding:1;
    unsigned        ended:1;        /* well or not: nothing follows */
    unsigned        opaque:1;       /* nginx has put some into a file */
} ngx_http_aws_sigv4_hold_ctx_t;


int ngx_http_aws_sigv4_ffi_hold(ngx_http_request_t *r);
ssize_t ngx_http_aws_sigv4_ffi_held(ngx_http_request_t *r, u_char *p,
    size_t size, int *ended);
static ngx_int_t ngx_http_aws_sigv4_hold_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_aws_sigv4_hold_wanted(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx);
static ngx_uint_t ngx_http_aws_sigv4_hold_type(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_hold_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_aws_sigv4_hold_enough(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_chain_t *in);
static ngx_uint_t ngx_http_aws_sigv4_hold_has_frame(
    ngx_http_aws_sigv4_hold_ctx_t *ctx);
static uint32_t ngx_http_aws_sigv4_hold_uint32(u_char *p);
static void ngx_http_aws_sigv4_hold_count(ngx_http_aws_sigv4_hold_ctx_t *ctx,
    ngx_buf_t *b);
static ngx_int_t ngx_http_aws_sigv4_hold_keep(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_chain_t *in);
static ngx_buf_t *ngx_http_aws_sigv4_hold_block(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, size_t size);
static ngx_int_t ngx_http_aws_sigv4_hold_release(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_aws_sigv4_hold_init_process(ngx_cycle_t *cycle);


static ngx_http_module_t  ngx_http_aws_sigv4_hold_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_aws_sigv4_hold_module = {
    NGX_MODULE_V1,
    &ngx_http_aws_sigv4_hold_module_ctx,   /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_aws_sigv4_hold_init_process,  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/* in the access phase of the location that asks the upstream */

int
ngx_http_aws_sigv4_ffi_hold(ngx_http_request_t *r)
{
    ngx_http_aws_sigv4_hold_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_aws_sigv4_hold_ctx_t));
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_aws_sigv4_hold_module);

    return NGX_OK;
}


/*
 * In the header filter: the size of what has come of the body, which is
 * copied if there is room for it.  NGX_DECLINED: nothing was waited for.
 */

ssize_t
ngx_http_aws_sigv4_ffi_held(ngx_http_request_t *r, u_char *p, size_t size,
    int *ended)
{
    ngx_chain_t                    *cl;
    ngx_http_aws_sigv4_hold_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_hold_module);

    if (ctx == NULL || ctx->shown == NULL) {
        return NGX_DECLINED;
    }

    *ended = ctx->ended;

    if (size < ctx->size) {
        return ctx->size;
    }

    for (cl = ctx->shown; cl; cl = cl->next) {

        if (ngx_buf_in_memory(cl->buf)) {
            p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }
    }

    return ctx->size;
}


static ngx_int_t
ngx_http_aws_sigv4_hold_header_filter(ngx_http_request_t *r)
{
    ngx_http_aws_sigv4_hold_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_hold_module);

    if (ctx == NULL) {
        return ngx_http_next_header_filter(r);
    }

    /* a page of nginx's own takes the place of what was held */

    if (ctx->holding || !ngx_http_aws_sigv4_hold_wanted(r, ctx)) {
        ctx->holding = 0;

        return ngx_http_next_header_filter(r);
    }

    ctx->holding = 1;

    /* an answer without a body would come too late for the upstream */

    r->disable_not_modified = 1;

    return NGX_OK;
}


/* the answer of an upstream, 200, with a body that can be read */

static ngx_uint_t
ngx_http_aws_sigv4_hold_wanted(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    return u != NULL
           && !u->header_sent
           && u->state != NULL
           && u->headers_in.status_n == NGX_HTTP_OK
           && r->headers_out.status == NGX_HTTP_OK
           && r->headers_out.content_length_n != 0
           && r->headers_out.content_encoding == NULL
           && r->method != NGX_HTTP_HEAD
           && !r->header_only
           && ngx_http_aws_sigv4_hold_type(r, ctx);
}


/* as head.lua has it: JSON may have no type, or one that ends with "json" */

static ngx_uint_t
ngx_http_aws_sigv4_hold_type(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx)
{
    ngx_str_t  type;

    static ngx_str_t  stream = ngx_string("application/vnd.amazon.eventstream");

    type.len = r->headers_out.content_type_len;
    type.data = r->headers_out.content_type.data;

    if (r->headers_out.content_type.len == 0) {
        return 1;
    }

    while (type.len && type.data[type.len - 1] == ' ') {
        type.len--;
    }

    ctx->frames = type.len == stream.len
                  && ngx_strncasecmp(type.data, stream.data, type.len) == 0;

    return ctx->frames
           || (type.len >= 4
               && ngx_strncasecmp(type.data + type.len - 4,
                                  (u_char *) "json", 4)
                  == 0);
}


static ngx_int_t
ngx_http_aws_sigv4_hold_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_aws_sigv4_hold_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_hold_module);

    if (ctx == NULL || !ctx->holding) {
        return ngx_http_next_body_filter(r, in);
    }

    if (!ngx_http_aws_sigv4_hold_enough(r, ctx, in)) {
        return ngx_http_aws_sigv4_hold_keep(r, ctx, in);
    }

    return ngx_http_aws_sigv4_hold_release(r, ctx, in);
}


/* looks at each buffer once: it is kept or released afterwards */

static ngx_uint_t
ngx_http_aws_sigv4_hold_enough(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {

        ngx_http_aws_sigv4_hold_count(ctx, cl->buf);

        /*
         * nginx flushes at the begin of an answer, and when its upstream has
         * broken off: the time that it took is known then
         */

        if (cl->buf->last_buf
            || (cl->buf->flush
                && r->upstream->state->response_time != (ngx_msec_t) -1))
        {
            ctx->ended = 1;
        }
    }

    if (ctx->ended || ctx->opaque) {
        return 1;
    }

    return ctx->frames ? ngx_http_aws_sigv4_hold_has_frame(ctx)
                       : ctx->size > NGX_HTTP_AWS_SIGV4_HOLD_JSON;
}


/* or what cannot become one that is waited for */

static ngx_uint_t
ngx_http_aws_sigv4_hold_has_frame(ngx_http_aws_sigv4_hold_ctx_t *ctx)
{
    u_char    *p;
    uint32_t   total;

    if (ctx->size < NGX_HTTP_AWS_SIGV4_HOLD_PRELUDE) {
        return 0;
    }

    p = ctx->prelude;
    total = ngx_http_aws_sigv4_hold_uint32(p);

    return ctx->size >= total
           || total > NGX_HTTP_AWS_SIGV4_HOLD_FRAME
           || ngx_crc32_long(p, 8) != ngx_http_aws_sigv4_hold_uint32(p + 8);
}


static uint32_t
ngx_http_aws_sigv4_hold_uint32(u_char *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}


static void
ngx_http_aws_sigv4_hold_count(ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_buf_t *b)
{
    u_char  *p;

    if (!ngx_buf_in_memory(b)) {
        ctx->opaque |= b->in_file;
        return;
    }

    for (p = b->pos;
         p < b->last && ctx->size < NGX_HTTP_AWS_SIGV4_HOLD_PRELUDE;
         p++)
    {
        ctx->prelude[ctx->size++] = *p;
    }

    ctx->size += b->last - p;
}


/* the buffers are the upstream's, which reads into them again */

static ngx_int_t
ngx_http_aws_sigv4_hold_keep(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_chain_t *in)
{
    size_t      size;
    ngx_buf_t  *b, *block;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (!ngx_buf_in_memory(b)) {
            continue;
        }

        while (b->pos < b->last) {
            size = b->last - b->pos;

            block = ngx_http_aws_sigv4_hold_block(r, ctx, size);
            if (block == NULL) {
                return NGX_ERROR;
            }

            size = ngx_min(size, (size_t) (block->end - block->last));

            block->last = ngx_cpymem(block->last, b->pos, size);
            b->pos += size;
        }

        if (b->in_file) {
            b->file_pos = b->file_last;
        }
    }

    return NGX_OK;
}


static ngx_buf_t *
ngx_http_aws_sigv4_hold_block(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, size_t size)
{
    ngx_chain_t  *cl;

    if (ctx->last != NULL && ctx->last->buf->last < ctx->last->buf->end) {
        return ctx->last->buf;
    }

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_create_temp_buf(r->pool,
                              ngx_max(size, NGX_HTTP_AWS_SIGV4_HOLD_BLOCK));
    if (cl->buf == NULL) {
        return NULL;
    }

    cl->next = NULL;

    if (ctx->last != NULL) {
        ctx->last->next = cl;

    } else {
        ctx->bufs = cl;
    }

    ctx->last = cl;

    return cl->buf;
}


static ngx_int_t
ngx_http_aws_sigv4_hold_release(ngx_http_request_t *r,
    ngx_http_aws_sigv4_hold_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_int_t  rc;

    ctx->holding = 0;

    if (ctx->last != NULL) {
        ctx->last->next = in;
        in = ctx->bufs;
    }

    ctx->shown = ctx->opaque ? NULL : in;

    rc = ngx_http_next_header_filter(r);

    ctx->shown = NULL;

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return NGX_ERROR;
    }

    return ngx_http_next_body_filter(r, in);
}


static ngx_int_t
ngx_http_aws_sigv4_hold_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t  i;

    if (ngx_http_top_header_filter == NULL
        || ngx_http_top_header_filter == ngx_http_aws_sigv4_hold_header_filter)
    {
        return NGX_OK;
    }

    for (i = 0; cycle->modules[i]; i++) {

        if (ngx_strcmp(cycle->modules[i]->name, "ngx_http_lua_module") != 0) {
            continue;
        }

        ngx_http_next_header_filter = ngx_http_top_header_filter;
        ngx_http_top_header_filter = ngx_http_aws_sigv4_hold_header_filter;

        ngx_http_next_body_filter = ngx_http_top_body_filter;
        ngx_http_top_body_filter = ngx_http_aws_sigv4_hold_body_filter;

        break;
    }

    return NGX_OK;
}
