
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


/* the bufs of a body in memory are two, or a few of HTTP/2 and chunks */
#define NGX_HTTP_AWS_SIGV4_PARTS  8


static ngx_int_t ngx_http_aws_sigv4_hash_chain(ngx_http_request_t *r,
    ngx_chain_t *bufs, u_char *digest);
static ngx_int_t ngx_http_aws_sigv4_hash_file(ngx_http_request_t *r,
    sigv4_hash_t *hash, ngx_buf_t *buf);


ngx_int_t
ngx_http_aws_sigv4_hash_bufs(ngx_http_request_t *r, ngx_chain_t *bufs,
    u_char *digest)
{
    ngx_uint_t                       n;
    ngx_chain_t                     *cl;
    sigv4_str_t                      parts[NGX_HTTP_AWS_SIGV4_PARTS];
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    n = 0;

    for (cl = bufs; cl; cl = cl->next) {

        if (cl->buf->in_file || n == NGX_HTTP_AWS_SIGV4_PARTS) {
            return ngx_http_aws_sigv4_hash_chain(r, bufs, digest);
        }

        if (!ngx_buf_special(cl->buf)) {
            parts[n].data = cl->buf->pos;
            parts[n].len = cl->buf->last - cl->buf->pos;
            n++;
        }
    }

    /* the usual body in memory needs no hash object of its own */

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    return (sigv4_sha256_parts(smcf->crypto, parts, n, digest) == SIGV4_OK)
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_aws_sigv4_hash_chain(ngx_http_request_t *r, ngx_chain_t *bufs,
    u_char *digest)
{
    int                              rc;
    ngx_buf_t                       *buf;
    sigv4_hash_t                    *hash;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    hash = sigv4_hash_create(smcf->crypto);
    if (hash == NULL) {
        return NGX_ERROR;
    }

    for (rc = SIGV4_OK; bufs && rc == SIGV4_OK; bufs = bufs->next) {
        buf = bufs->buf;

        if (buf->in_file) {
            rc = (ngx_http_aws_sigv4_hash_file(r, hash, buf) == NGX_OK)
                 ? SIGV4_OK : SIGV4_ERROR;

        } else if (!ngx_buf_special(buf)) {
            rc = sigv4_hash_update(hash, buf->pos, buf->last - buf->pos);
        }
    }

    if (rc == SIGV4_OK) {
        rc = sigv4_hash_final(hash, digest);
    }

    sigv4_hash_destroy(hash);

    return (rc == SIGV4_OK) ? NGX_OK : NGX_ERROR;
}


/* only for a file that did not come through the filter: set_body_file() */

static ngx_int_t
ngx_http_aws_sigv4_hash_file(ngx_http_request_t *r, sigv4_hash_t *hash,
    ngx_buf_t *buf)
{
    u_char   *chunk;
    off_t     pos;
    size_t    size;
    ssize_t   n;

    size = 65536;

    chunk = ngx_palloc(r->pool, size);
    if (chunk == NULL) {
        return NGX_ERROR;
    }

    for (pos = buf->file_pos; pos < buf->file_last; pos += n) {

        n = ngx_read_file(buf->file, chunk,
                          ngx_min((off_t) size, buf->file_last - pos), pos);

        if (n == NGX_ERROR || n == 0
            || sigv4_hash_update(hash, chunk, n) != SIGV4_OK)
        {
            ngx_pfree(r->pool, chunk);
            return NGX_ERROR;
        }
    }

    ngx_pfree(r->pool, chunk);

    return NGX_OK;
}
