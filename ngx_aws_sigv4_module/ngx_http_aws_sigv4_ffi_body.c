
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A JSON body that was read, for LuaJIT's FFI: where its members lie, and
 * another body in its place that shares all that was not edited, in memory
 * or in the file.  Offsets are those of the body as it was received, also
 * after it was edited.
 *
 * A buf of the file that does not begin where the last one ended is not
 * found again by ngx_http_upstream_reinit(): the module repairs that for
 * what it signs, all else needs "proxy_next_upstream off".
 */


#include "ngx_http_aws_sigv4_module.h"
#include "llm/sigv4_llm_json.h"


#define NGX_HTTP_AWS_SIGV4_BODY_PIECE     65536

/* beside NGX_OK and NGX_ERROR: memory, or the file */
#define NGX_HTTP_AWS_SIGV4_BODY_NOT_READ  -20
#define NGX_HTTP_AWS_SIGV4_BODY_RANGE     -21


/* in ascending order; text takes the place of what is in [from, to) */
typedef struct {
    int64_t                           from;
    int64_t                           to;
    size_t                            len;
    const u_char                     *text;
} ngx_http_aws_sigv4_ffi_edit_t;


/* it outlives internal redirects, which clear the contexts of modules */
typedef struct {
    ngx_http_request_t               *request;

    ngx_chain_t                      *received;
    off_t                             length;
    off_t                             content_length_n;
    ngx_str_t                         content_length;

    ngx_chain_t                      *current;      /* what was left there */
    ngx_buf_t                        *first;
    off_t                             size;
} ngx_http_aws_sigv4_received_t;


typedef struct {
    ngx_http_request_t               *request;
    ngx_chain_t                      *chain;
    ngx_chain_t                     **last;
    off_t                             length;

    ngx_chain_t                      *from;         /* what is shared */
    off_t                             offset;       /* of that buf */
} ngx_http_aws_sigv4_splice_t;


int ngx_http_aws_sigv4_ffi_body_members(ngx_http_request_t *r,
    const sigv4_str_t *names, size_t n, sigv4_llm_json_member_t *members,
    sigv4_llm_json_object_t *object);
int ngx_http_aws_sigv4_ffi_body_slice(ngx_http_request_t *r, int64_t from,
    int64_t to, u_char *p);
int ngx_http_aws_sigv4_ffi_body_edit(ngx_http_request_t *r,
    const ngx_http_aws_sigv4_ffi_edit_t *edits, size_t n);

static ngx_int_t ngx_http_aws_sigv4_received(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t **received);
static void ngx_http_aws_sigv4_received_cleanup(void *data);
static ngx_int_t ngx_http_aws_sigv4_received_copy(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received);
static void ngx_http_aws_sigv4_received_current(
    ngx_http_aws_sigv4_received_t *received, ngx_chain_t *bufs);
static int ngx_http_aws_sigv4_members_of_file(sigv4_llm_json_t *json,
    ngx_buf_t *b);
static ngx_int_t ngx_http_aws_sigv4_check_edits(
    ngx_http_aws_sigv4_received_t *received,
    const ngx_http_aws_sigv4_ffi_edit_t *edits, size_t n);
static ngx_int_t ngx_http_aws_sigv4_splice_shared(
    ngx_http_aws_sigv4_splice_t *splice, off_t from, off_t to);
static ngx_int_t ngx_http_aws_sigv4_splice_text(
    ngx_http_aws_sigv4_splice_t *splice, const u_char *text, size_t len);
static ngx_buf_t *ngx_http_aws_sigv4_splice_buf(
    ngx_http_aws_sigv4_splice_t *splice);
static ngx_int_t ngx_http_aws_sigv4_set_body(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received, ngx_chain_t *bufs,
    off_t length);


int
ngx_http_aws_sigv4_ffi_body_members(ngx_http_request_t *r,
    const sigv4_str_t *names, size_t n, sigv4_llm_json_member_t *members,
    sigv4_llm_json_object_t *object)
{
    int                             rc;
    ngx_buf_t                      *b;
    ngx_chain_t                    *cl;
    sigv4_llm_json_t                json;
    ngx_http_aws_sigv4_received_t  *received;

    if (n > SIGV4_LLM_JSON_NAMES) {
        return NGX_HTTP_AWS_SIGV4_BODY_RANGE;
    }

    rc = ngx_http_aws_sigv4_received(r, &received);
    if (rc != NGX_OK) {
        return rc;
    }

    sigv4_llm_json_init(&json, names, n, members);

    for (cl = received->received; cl; cl = cl->next) {
        b = cl->buf;

        rc = ngx_buf_in_memory(b)
             ? sigv4_llm_json_feed(&json, b->pos, b->last - b->pos)
             : ngx_http_aws_sigv4_members_of_file(&json, b);
        if (rc != SIGV4_OK) {
            return rc;
        }
    }

    rc = sigv4_llm_json_finish(&json);

    *object = json.object;

    return rc;
}


static int
ngx_http_aws_sigv4_members_of_file(sigv4_llm_json_t *json, ngx_buf_t *b)
{
    int      rc;
    off_t    pos;
    ssize_t  n;

    /* nothing else runs while it is in use */
    static u_char  piece[NGX_HTTP_AWS_SIGV4_BODY_PIECE];

    for (pos = b->file_pos; pos < b->file_last; pos += n) {

        n = ngx_read_file(b->file, piece,
                          ngx_min((off_t) sizeof(piece), b->file_last - pos),
                          pos);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        rc = sigv4_llm_json_feed(json, piece, n);
        if (rc != SIGV4_OK) {
            return rc;
        }
    }

    return SIGV4_OK;
}


int
ngx_http_aws_sigv4_ffi_body_slice(ngx_http_request_t *r, int64_t from,
    int64_t to, u_char *p)
{
    off_t                           offset, start, size;
    ngx_int_t                       rc;
    ngx_buf_t                      *b;
    ngx_chain_t                    *cl;
    ngx_http_aws_sigv4_received_t  *received;

    rc = ngx_http_aws_sigv4_received(r, &received);
    if (rc != NGX_OK) {
        return rc;
    }

    if (from < 0 || to < from || to > received->length) {
        return NGX_HTTP_AWS_SIGV4_BODY_RANGE;
    }

    offset = 0;

    for (cl = received->received; cl && from < to; cl = cl->next) {
        b = cl->buf;

        start = from - offset;
        offset += ngx_buf_size(b);
        size = ngx_min(to, offset) - from;

        if (size <= 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            ngx_memcpy(p, b->pos + start, size);

        } else if (ngx_read_file(b->file, p, size, b->file_pos + start)
                   != size)
        {
            return NGX_ERROR;
        }

        p += size;
        from += size;
    }

    return NGX_OK;
}


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
        return ngx_http_aws_sigv4_set_body(r, received, received->received,
                                           received->length);
    }

    rc = ngx_http_aws_sigv4_check_edits(received, edits, n);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&splice, sizeof(ngx_http_aws_sigv4_splice_t));

    splice.request = r;
    splice.last = &splice.chain;
    splice.from = received->received;

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

    return ngx_http_aws_sigv4_set_body(r, received, splice.chain,
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


/*
 * What was received, noted when it is first asked for, and again where
 * another one has put a body there since, as ngx.req.set_body_data() does.
 */

static ngx_int_t
ngx_http_aws_sigv4_received(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t **out)
{
    ngx_chain_t                    *bufs;
    ngx_pool_cleanup_t             *cln;
    ngx_http_aws_sigv4_received_t  *received;

    if (r != r->main
        || r->request_body == NULL
        || r->reading_body
        || r->request_body_no_buffering)
    {
        return NGX_HTTP_AWS_SIGV4_BODY_NOT_READ;
    }

    bufs = r->request_body->bufs;
    received = NULL;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_aws_sigv4_received_cleanup) {
            received = cln->data;

            if (received->request == r) {
                break;
            }

            received = NULL;
        }
    }

    if (received == NULL) {
        cln = ngx_pool_cleanup_add(r->pool,
                                   sizeof(ngx_http_aws_sigv4_received_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        received = cln->data;
        ngx_memzero(received, sizeof(ngx_http_aws_sigv4_received_t));

        cln->handler = ngx_http_aws_sigv4_received_cleanup;

    } else if (received->current == bufs
               && received->size == ngx_http_aws_sigv4_body_length(bufs)
               && (bufs == NULL || bufs->buf == received->first))
    {
        *out = received;
        return NGX_OK;
    }

    received->request = r;
    *out = received;

    return ngx_http_aws_sigv4_received_copy(r, received);
}


/* by which it is found */

static void
ngx_http_aws_sigv4_received_cleanup(void *data)
{
    (void) data;
}


/* whoever sends the bufs may move their ends */

static ngx_int_t
ngx_http_aws_sigv4_received_copy(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received)
{
    ngx_chain_t  *cl, *ln, **ll;

    ll = &received->received;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        if (ngx_buf_size(cl->buf) == 0) {
            continue;
        }

        ln = ngx_alloc_chain_link(r->pool);
        if (ln == NULL) {
            return NGX_ERROR;
        }

        ln->buf = ngx_alloc_buf(r->pool);
        if (ln->buf == NULL) {
            return NGX_ERROR;
        }

        *ln->buf = *cl->buf;

        *ll = ln;
        ll = &ln->next;
    }

    *ll = NULL;

    received->length = ngx_http_aws_sigv4_body_length(received->received);
    received->content_length_n = r->headers_in.content_length_n;

    if (r->headers_in.content_length != NULL) {
        received->content_length = r->headers_in.content_length->value;
    }

    ngx_http_aws_sigv4_received_current(received, r->request_body->bufs);

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_received_current(ngx_http_aws_sigv4_received_t *received,
    ngx_chain_t *bufs)
{
    received->current = bufs;
    received->first = bufs ? bufs->buf : NULL;
    received->size = ngx_http_aws_sigv4_body_length(bufs);
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


/*
 * A body of chunks has a length since it was read, and no header of it: all
 * that sends it looks at content_length_n, and at "chunked" only while it
 * is being read.
 */

static ngx_int_t
ngx_http_aws_sigv4_set_body(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received, ngx_chain_t *bufs, off_t length)
{
    u_char                    *p;
    ngx_str_t                  value;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    if (bufs == received->received) {
        value = received->content_length;
        r->headers_in.content_length_n = received->content_length_n;

    } else {
        p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN + 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%O%Z", length) - p - 1;
        r->headers_in.content_length_n = length;
    }

    if (r->headers_in.content_length != NULL) {
        r->headers_in.content_length->value = value;
    }

    r->request_body->bufs = bufs;

    ngx_http_aws_sigv4_received_current(received, bufs);

    /* what was hashed is another body, wherever it lies */

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx != NULL) {
        ctx->payload.length = -1;
        ctx->payload.read = 0;
    }

    return NGX_OK;
}
