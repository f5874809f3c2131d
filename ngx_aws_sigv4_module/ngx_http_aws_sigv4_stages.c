
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_metrics.h"


/* a worker keeps no more than this for scratch */
#define NGX_HTTP_AWS_SIGV4_SCRATCH_KEPT  65536


static ngx_str_t  ngx_http_aws_sigv4_date_name =
    ngx_string("x-amz-date");
static ngx_str_t  ngx_http_aws_sigv4_sha256_name =
    ngx_string("x-amz-content-sha256");
static ngx_str_t  ngx_http_aws_sigv4_token_name =
    ngx_string("x-amz-security-token");


void
ngx_http_aws_sigv4_date(ngx_http_aws_sigv4_main_conf_t *smcf,
    sigv4_scope_t *scope, time_t t)
{
    if (smcf->time == t) {
        ngx_memcpy(scope->datetime, smcf->datetime, SIGV4_DATETIME_LEN);
        return;
    }

    sigv4_scope_time(scope, t);

    smcf->time = t;
    ngx_memcpy(smcf->datetime, scope->datetime, SIGV4_DATETIME_LEN);
}


void
ngx_http_aws_sigv4_add_own(sigv4_request_t *req, sigv4_scope_t *scope,
    ngx_str_t *sha256, sigv4_str_t *token)
{
    ngx_str_t  value;

    value.len = SIGV4_DATETIME_LEN;
    value.data = scope->datetime;

    ngx_http_aws_sigv4_add_field(req, &ngx_http_aws_sigv4_date_name, &value);

    if (sha256 != NULL) {
        ngx_http_aws_sigv4_add_field(req, &ngx_http_aws_sigv4_sha256_name,
                                     sha256);
    }

    if (token->len) {
        value.len = token->len;
        value.data = (u_char *) token->data;

        ngx_http_aws_sigv4_add_field(req, &ngx_http_aws_sigv4_token_name,
                                     &value);
    }

    sigv4_sort_fields(req->fields, req->nfields);
}


ngx_int_t
ngx_http_aws_sigv4_scratch(ngx_http_aws_sigv4_main_conf_t *smcf, size_t size,
    sigv4_buf_t *buf, ngx_log_t *log)
{
    if (size == 0) {
        return NGX_ERROR;
    }

    if (size > smcf->scratch_size) {
        ngx_http_aws_sigv4_secret_free(smcf->scratch);

        smcf->scratch_size = 0;

        size = ngx_align(size, ngx_pagesize);

        smcf->scratch = ngx_http_aws_sigv4_secret_alloc(size, log);
        if (smcf->scratch == NULL) {
            return NGX_ERROR;
        }

        smcf->scratch_size = size;
    }

    buf->last = smcf->scratch;
    buf->end = smcf->scratch + smcf->scratch_size;

    return NGX_OK;
}


/* the canonical request has the session token in it */

void
ngx_http_aws_sigv4_wipe_scratch(ngx_http_aws_sigv4_work_t *work)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = work->smcf;

    if (smcf->scratch_size > NGX_HTTP_AWS_SIGV4_SCRATCH_KEPT) {
        ngx_http_aws_sigv4_secret_free(smcf->scratch);
        smcf->scratch = NULL;
        smcf->scratch_size = 0;
        return;
    }

    if (work->cred->session_token.len) {
        ngx_explicit_memzero(smcf->scratch, work->buf.last - smcf->scratch);
    }
}


/* canonical request -> string to sign -> signature */

int
ngx_http_aws_sigv4_stages(ngx_http_aws_sigv4_work_t *work,
    sigv4_scope_t *scope, sigv4_request_t *all,
    uint8_t signature[SIGV4_SIGNATURE_LEN])
{
    int              rc;
    uint64_t         hits;
    sigv4_str_t      canonical_request;
    uint8_t          key[SIGV4_KEY_LEN];
    sigv4_crypto_t  *crypto;

    crypto = work->smcf->crypto;

    rc = sigv4_canonical_request(all, &work->buf, &canonical_request,
                                 &work->signed_headers);
    if (rc != SIGV4_OK) {
        return rc;
    }

    rc = sigv4_string_to_sign(crypto, scope, canonical_request,
                              &work->buf, &work->string_to_sign);
    if (rc != SIGV4_OK) {
        return rc;
    }

    hits = work->smcf->keys->hits;

    rc = sigv4_cached_signing_key(work->smcf->keys, crypto, work->cred,
                                  work->generation, scope, key);

    ngx_http_aws_sigv4_count_key(work->smcf, work->smcf->keys->hits != hits);

    if (rc != SIGV4_OK) {
        return rc;
    }

    rc = sigv4_signature(crypto, key, work->string_to_sign, signature);

    ngx_explicit_memzero(key, SIGV4_KEY_LEN);

    return rc;
}
