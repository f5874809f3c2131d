
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Another body in the place of one that was read, for LuaJIT's FFI: it shares
 * all that was not edited, in memory or in the file.  Offsets are those of
 * the body as it was received, also after it was edited.
 *
 * A buf of the file that does not begin where the last one ended is not
 * found again by ngx_http_upstream_reinit(): the module repairs that for
 * what it signs, all else needs "proxy_next_upstream off".
 */


#include "ngx_http_aws_sigv4_received.h"


/* in ascending order; text takes the place of what is in [from, to) */
typedef struct {
    int64_t                           from;
    int64_t                           to;
    size_t                            len;
    const u_char                     *text;
} ngx_http_aws_sigv4_ffi_edit_t;


typedef struct {
    ngx_http_request_t               *request;
    ngx_chain_t                      *chain;
    ngx_chain_t                     **last;
    off_t                             length;

    ngx_chain_t                      *from;         /* what is shared */
    off_t                             offset;       /* of that buf */
} ngx_http_aws_sigv4_splice_t;


int ngx_http_aws_sigv4_ffi_body_edit(ngx_http_request_t *r,
    const ngx_http_aws_sigv4_ffi_edit_t *edits, size_t n);

static ngx_int_t ngx_http_aws_sigv4_check_edits(
    ngx_http_aws_sigv4_received_t *received,
    const ngx_http_aws_sigv4_ffi_edit_t *edits, size_t n);
static ngx_int_t ngx_http_aws_sigv4_splice_shared(
    ngx_http_aws_sigv4_splice_t *splice, off_t from, off_t to);
static ngx_int_t ngx_http_aws_sigv4_splice_text(
    ngx_http_aws_sigv4_splice_t *splice, const u_char *text, size_t len);
static ngx_buf_t *ngx_http_aws_sigv4_splice_buf(
    ngx_http_aws_sigv4_splice_t *splice);


/* no edits: the body is what was received */

int
ngx_http_aws_sigv4_ffi_body_edit(ngx_http_request_t *r,
    const ngx_http_aws_sigv4_ffi_edit_t *edits, size_t n)
{
    off_t                           from;
    size_t                          i;
    ngx_int_t                       rc;
    ngx_http_aws_sigv4_splice_t     splice;
    ngx_http_aws_sigv4_received_t  *received;

    rc = ngx_http_aws_sigv4_received(r, &received);
    if (rc != NGX_OK) {
        return rc;
    }

    if (n == 0) {
        return ngx_http_aws_sigv4_received_replace(r, received,
                                                   received->bufs,
                                                   received->length);
    }

    rc = ngx_http_aws_sigv4_check_edits(received, edits, n);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&splice, sizeof(ngx_http_aws_sigv4_splice_t));

    splice.request = r;
    splice.last = &splice.chain;
    splice.from = received->bufs;

    from = 0;

    for (i = 0; i < n; i++) {

        if (ngx_http_aws_sigv4_splice_shared(&splice, from, edits[i].from)
            != NGX_OK
            || ngx_http_aws_sigv4_splice_text(&splice, edits[i].text,
                                              edits[i].len)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        from = edits[i].to;
    }

    if (ngx_http_aws_sigv4_splice_shared(&splice, from, received->length)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_received_replace(r, received, splice.chain,
                                               splice.length);
}


static ngx_int_t
ngx_http_aws_sigv4_check_edits(ngx_http_aws_sigv4_received_t *received,
    const ngx_http_aws_sigv4_ffi_edit_t *edits, size_t n)
{
    size_t   i;
    int64_t  last;

    last = 0;

    for (i = 0; i < n; i++) {

        if (edits[i].from < last
            || edits[i].to < edits[i].from
            || edits[i].to > received->length)
        {
            return NGX_HTTP_AWS_SIGV4_BODY_RANGE;
        }

        last = edits[i].to;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_splice_shared(ngx_http_aws_sigv4_splice_t *splice,
    off_t from, off_t to)
{
    off_t       end;
    ngx_buf_t  *b, *of;

    while (from < to) {
        of = splice->from->buf;
        end = splice->offset + ngx_buf_size(of);

        if (end <= from) {
            splice->offset = end;
            splice->from = splice->from->next;
            continue;
        }

        b = ngx_http_aws_sigv4_splice_buf(splice);
        if (b == NULL) {
            return NGX_ERROR;
        }

        end = ngx_min(end, to);

        if (ngx_buf_in_memory(of)) {
            b->memory = 1;
            b->pos = of->pos + (from - splice->offset);
            b->last = of->pos + (end - splice->offset);
            b->start = b->pos;
            b->end = b->last;

        } else {
            b->in_file = 1;
            b->file = of->file;
            b->file_pos = of->file_pos + (from - splice->offset);
            b->file_last = of->file_pos + (end - splice->offset);
        }

        splice->length += end - from;
        from = end;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_splice_text(ngx_http_aws_sigv4_splice_t *splice,
    const u_char *text, size_t len)
{
    ngx_buf_t  *b;

    if (len == 0) {
        return NGX_OK;
    }

    b = ngx_http_aws_sigv4_splice_buf(splice);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->start = ngx_pnalloc(splice->request->pool, len);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    b->memory = 1;
    b->pos = b->start;
    b->last = ngx_cpymem(b->pos, text, len);
    b->end = b->last;

    splice->length += len;

    return NGX_OK;
}


static ngx_buf_t *
ngx_http_aws_sigv4_splice_buf(ngx_http_aws_sigv4_splice_t *splice)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(splice->request->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_calloc_buf(splice->request->pool);
    if (cl->buf == NULL) {
        return NULL;
    }

    cl->next = NULL;

    *splice->last = cl;
    splice->last = &cl->next;

    return cl->buf;
}
