
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The signature of a form that is posted in the background: the core alone,
 * as no request of a client and no location has anything to do with it.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_fetch.h"


/* content-type, host, x-amz-date, x-amz-security-token */
#define NGX_HTTP_AWS_SIGV4_SIGN_FIELDS    4


typedef struct {
    sigv4_crypto_t                      *crypto;
    sigv4_credentials_t                 *cred;
    sigv4_scope_t                        scope;
    sigv4_request_t                      request;
    sigv4_field_t             fields[NGX_HTTP_AWS_SIGV4_SIGN_FIELDS];
    uint8_t                              hash[SIGV4_SHA256_HEX_LEN];
} ngx_http_aws_sigv4_signer_t;


static int ngx_http_aws_sigv4_sign_request(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_signer_t *s);
static void ngx_http_aws_sigv4_sign_field(ngx_http_aws_sigv4_signer_t *s,
    const char *name, const u_char *value, size_t len);
static int ngx_http_aws_sigv4_sign_stages(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_signer_t *s, sigv4_buf_t *buf);
static int ngx_http_aws_sigv4_sign_headers(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_signer_t *s, sigv4_str_t *authorization);


int
ngx_http_aws_sigv4_sign_form(ngx_http_aws_sigv4_fetch_t *f,
    const char *service, sigv4_str_t region, sigv4_credentials_t *cred)
{
    int                               rc;
    size_t                            size;
    sigv4_buf_t                       buf;
    ngx_http_aws_sigv4_signer_t   s;

    ngx_memzero(&s, sizeof(ngx_http_aws_sigv4_signer_t));

    s.crypto = sigv4_crypto_create();
    if (s.crypto == NULL) {
        return SIGV4_ERROR;
    }

    s.cred = cred;
    s.scope.region = region;
    s.scope.service.data = (const u_char *) service;
    s.scope.service.len = ngx_strlen(service);

    sigv4_scope_time(&s.scope, ngx_time());

    rc = ngx_http_aws_sigv4_sign_request(f, &s);

    if (rc == SIGV4_OK) {
        size = sigv4_scratch_size(&s.request, cred, &s.scope);
        buf.last = size ? ngx_http_aws_sigv4_fetch_alloc(f, size) : NULL;
        rc = SIGV4_NOSPACE;

        if (buf.last != NULL) {
            buf.end = buf.last + size;
            rc = ngx_http_aws_sigv4_sign_stages(f, &s, &buf);
        }
    }

    sigv4_crypto_destroy(s.crypto);

    return rc;
}


static int
ngx_http_aws_sigv4_sign_request(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_signer_t *s)
{
    u_char           *query, *end;
    uint8_t           digest[SIGV4_SHA256_LEN];
    ngx_str_t        *uri, *host;
    sigv4_str_t       body;
    sigv4_request_t  *req;

    static const u_char  type[] = "application/x-www-form-urlencoded";

    uri = &f->origin->uri;
    host = &f->origin->authority;
    end = uri->data + uri->len;
    query = ngx_strlchr(uri->data, end, '?');

    body.len = f->body.len;
    body.data = f->body.data;

    if (sigv4_sha256(s->crypto, body, digest) != SIGV4_OK) {
        return SIGV4_ERROR;
    }

    sigv4_hex(digest, s->hash);

    req = &s->request;

    req->method.len = f->method.len;
    req->method.data = f->method.data;
    req->path.data = uri->data;
    req->path.len = query ? (size_t) (query - uri->data) : uri->len;

    if (query != NULL) {
        req->query.data = query + 1;
        req->query.len = end - query - 1;
    }

    req->payload_hash.len = SIGV4_SHA256_HEX_LEN;
    req->payload_hash.data = s->hash;
    req->double_encode = 1;
    req->normalize_path = 1;
    req->fields = s->fields;

    ngx_http_aws_sigv4_sign_field(s, "content-type", type, sizeof(type) - 1);
    ngx_http_aws_sigv4_sign_field(s, "host", host->data, host->len);
    ngx_http_aws_sigv4_sign_field(s, "x-amz-date", s->scope.datetime,
                                  SIGV4_DATETIME_LEN);

    if (s->cred->session_token.len) {
        ngx_http_aws_sigv4_sign_field(s, "x-amz-security-token",
                                      s->cred->session_token.data,
                                      s->cred->session_token.len);
    }

    sigv4_sort_fields(req->fields, req->nfields);

    return SIGV4_OK;
}


static void
ngx_http_aws_sigv4_sign_field(ngx_http_aws_sigv4_signer_t *s,
    const char *name, const u_char *value, size_t len)
{
    sigv4_field_t  *field;

    field = &s->fields[s->request.nfields++];

    field->name.data = (u_char *) name;
    field->name.len = ngx_strlen(name);
    field->value.data = value;
    field->value.len = len;
}


static int
ngx_http_aws_sigv4_sign_stages(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_signer_t *s, sigv4_buf_t *buf)
{
    int          rc;
    uint8_t      key[SIGV4_KEY_LEN];
    uint8_t      signature[SIGV4_SIGNATURE_LEN];
    sigv4_str_t  canonical_request, signed_headers, string_to_sign;
    sigv4_str_t  authorization;

    rc = sigv4_canonical_request(&s->request, buf, &canonical_request,
                                 &signed_headers);
    if (rc != SIGV4_OK) {
        return rc;
    }

    rc = sigv4_string_to_sign(s->crypto, &s->scope, canonical_request, buf,
                              &string_to_sign);
    if (rc != SIGV4_OK) {
        return rc;
    }

    rc = sigv4_signing_key(s->crypto, s->cred, &s->scope, key);

    if (rc == SIGV4_OK) {
        rc = sigv4_signature(s->crypto, key, string_to_sign, signature);
    }

    ngx_explicit_memzero(key, SIGV4_KEY_LEN);

    if (rc != SIGV4_OK) {
        return rc;
    }

    rc = sigv4_authorization(s->cred, &s->scope, signed_headers, signature,
                             buf, &authorization);
    if (rc != SIGV4_OK) {
        return rc;
    }

    return ngx_http_aws_sigv4_sign_headers(f, s, &authorization);
}


/* those that are signed and not there already */

static int
ngx_http_aws_sigv4_sign_headers(ngx_http_aws_sigv4_fetch_t *f,
    ngx_http_aws_sigv4_signer_t *s, sigv4_str_t *authorization)
{
    ngx_str_t  date, token, value;

    date.len = SIGV4_DATETIME_LEN;
    date.data = s->scope.datetime;

    token.len = s->cred->session_token.len;
    token.data = (u_char *) s->cred->session_token.data;

    value.len = authorization->len;
    value.data = (u_char *) authorization->data;

    if (ngx_http_aws_sigv4_fetch_header(f, "X-Amz-Date", &date) != NGX_OK
        || (token.len
            && ngx_http_aws_sigv4_fetch_header(f, "X-Amz-Security-Token",
                                               &token)
               != NGX_OK)
        || ngx_http_aws_sigv4_fetch_header(f, "Authorization", &value)
           != NGX_OK)
    {
        return SIGV4_NOSPACE;
    }

    return SIGV4_OK;
}
