
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The body of a request, as it was before a try to send it moved the ends
 * of its bufs.
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_uint_t ngx_http_aws_sigv4_replay_spliced(ngx_chain_t *body);


/* the bufs of the proxy are copies, in the same order */

void
ngx_http_aws_sigv4_replay(ngx_chain_t *bufs, ngx_chain_t *body)
{
    ngx_buf_t  *b;

    for ( /* void */ ; bufs && body; bufs = bufs->next, body = body->next) {
        b = bufs->buf;

        b->pos = body->buf->pos;
        b->last = body->buf->last;
        b->file_pos = body->buf->file_pos;
        b->file_last = body->buf->file_last;
    }
}


/*
 * ngx_http_upstream_reinit() takes the bufs of a file for one after the
 * other from its start.  With others nginx is given the head alone, and the
 * body follows when the head comes by.
 */

void
ngx_http_aws_sigv4_replay_detach(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_upstream_t *u)
{
    if (u->request_bufs->next == NULL
        || !ngx_http_aws_sigv4_replay_spliced(ctx->body))
    {
        return;
    }

    ctx->detached = u->request_bufs->next;
    u->request_bufs->next = NULL;
}


static ngx_uint_t
ngx_http_aws_sigv4_replay_spliced(ngx_chain_t *body)
{
    off_t        file_pos;
    ngx_chain_t  *cl;

    file_pos = 0;

    for (cl = body; cl; cl = cl->next) {

        if (!cl->buf->in_file) {
            continue;
        }

        if (cl->buf->file_pos != file_pos) {
            return 1;
        }

        file_pos = cl->buf->file_last;
    }

    return 0;
}


void
ngx_http_aws_sigv4_replay_attach(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_upstream_t *u)
{
    ngx_http_aws_sigv4_replay(ctx->detached, ctx->body);

    u->request_bufs->next = ctx->detached;
    ctx->detached = NULL;
}
