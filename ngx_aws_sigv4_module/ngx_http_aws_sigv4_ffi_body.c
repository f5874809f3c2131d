
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A JSON body that was read, for LuaJIT's FFI: where its members lie, and
 * parts of it, in memory or in the file.  Offsets are those of the body as
 * it was received, also after it was edited.
 */


#include "ngx_http_aws_sigv4_received.h"
#include "llm/sigv4_llm_json.h"


#define NGX_HTTP_AWS_SIGV4_BODY_PIECE     65536


int ngx_http_aws_sigv4_ffi_body_members(ngx_http_request_t *r,
    const sigv4_str_t *names, size_t n, sigv4_llm_json_member_t *members,
    sigv4_llm_json_object_t *object);
int ngx_http_aws_sigv4_ffi_body_slice(ngx_http_request_t *r, int64_t from,
    int64_t to, u_char *p);

static int ngx_http_aws_sigv4_members_of_file(sigv4_llm_json_t *json,
    ngx_buf_t *b);


/* NGX_OK, a code of the received body, or what is wrong with its JSON */

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

    for (cl = received->bufs; cl; cl = cl->next) {
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

    for (cl = received->bufs; cl && from < to; cl = cl->next) {
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
