
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"


static ngx_int_t ngx_http_aws_sigv4_str_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_date_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_scope_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_canonical_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_cause_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aws_sigv4_value(ngx_http_variable_value_t *v,
    u_char *data, size_t len);


static ngx_http_variable_t  ngx_http_aws_sigv4_vars[] = {

    { ngx_string("aws_sigv4_host"), NULL,
      ngx_http_aws_sigv4_str_variable,
      offsetof(ngx_http_aws_sigv4_ctx_t, host),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_region"), NULL,
      ngx_http_aws_sigv4_str_variable,
      offsetof(ngx_http_aws_sigv4_ctx_t, region),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_service"), NULL,
      ngx_http_aws_sigv4_str_variable,
      offsetof(ngx_http_aws_sigv4_ctx_t, service),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_access_key_id"), NULL,
      ngx_http_aws_sigv4_str_variable,
      offsetof(ngx_http_aws_sigv4_ctx_t, signature.access_key_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_payload_hash"), NULL,
      ngx_http_aws_sigv4_str_variable,
      offsetof(ngx_http_aws_sigv4_ctx_t, payload.value),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_string_to_sign"), NULL,
      ngx_http_aws_sigv4_str_variable,
      offsetof(ngx_http_aws_sigv4_ctx_t, signature.string_to_sign),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_date"), NULL,
      ngx_http_aws_sigv4_date_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_credential_scope"), NULL,
      ngx_http_aws_sigv4_scope_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_canonical_request"), NULL,
      ngx_http_aws_sigv4_canonical_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_signed_headers"), NULL,
      ngx_http_aws_sigv4_canonical_variable, 1,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_status"), NULL,
      ngx_http_aws_sigv4_status_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_cause"), NULL,
      ngx_http_aws_sigv4_cause_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_request_id"), NULL,
      ngx_http_aws_sigv4_id_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aws_sigv4_extended_request_id"), NULL,
      ngx_http_aws_sigv4_id_variable, 1,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* in the order of ngx_http_aws_sigv4_status_e */

static ngx_str_t  ngx_http_aws_sigv4_statuses[] = {
    ngx_string("off"),
    ngx_string("pending"),
    ngx_string("signed"),
    ngx_string("resigned"),
    ngx_string("denied"),
    ngx_string("hook_error"),
    ngx_string("bad_request"),
    ngx_string("bad_body"),
    ngx_string("bad_host"),
    ngx_string("host_not_allowed"),
    ngx_string("no_service"),
    ngx_string("no_region"),
    ngx_string("bad_scope"),
    ngx_string("no_provider"),
    ngx_string("no_credentials"),
    ngx_string("bad_payload"),
    ngx_string("chunk_signed"),
    ngx_string("not_sealed"),
    ngx_string("error")
};


ngx_int_t
ngx_http_aws_sigv4_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_aws_sigv4_vars; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_value(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    if (len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->data = data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_str_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                 *s;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_aws_sigv4_last_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    s = (ngx_str_t *) ((char *) ctx + data);

    return ngx_http_aws_sigv4_value(v, s->data, s->len);
}


static ngx_int_t
ngx_http_aws_sigv4_date_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_aws_sigv4_last_ctx(r);

    if (ctx == NULL || ctx->signature.headers.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_value(v, ctx->signature.scope.datetime,
                                    SIGV4_DATETIME_LEN);
}


static ngx_int_t
ngx_http_aws_sigv4_scope_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    size_t                     len;
    u_char                    *start;
    sigv4_buf_t                buf;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_aws_sigv4_last_ctx(r);

    if (ctx == NULL || ctx->signature.headers.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    len = SIGV4_DATE_LEN + ctx->signature.scope.region.len
          + ctx->signature.scope.service.len
          + sizeof("///" SIGV4_SCOPE_TERMINATOR);

    start = ngx_pnalloc(r->pool, len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    buf.last = start;
    buf.end = start + len;

    if (sigv4_credential_scope(&ctx->signature.scope, &buf) != SIGV4_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_value(v, start, buf.last - start);
}


static ngx_int_t
ngx_http_aws_sigv4_canonical_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  canonical_request, signed_headers, *s;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_aws_sigv4_last_ctx(r);

    if (ctx == NULL || ctx->signature.headers.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_explain(r, ctx, &canonical_request,
                                   &signed_headers)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    s = data ? &signed_headers : &canonical_request;

    return ngx_http_aws_sigv4_value(v, s->data, s->len);
}


static ngx_int_t
ngx_http_aws_sigv4_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                    *word;
    ngx_http_aws_sigv4_ctx_t     *ctx;
    ngx_http_aws_sigv4_status_e   status;

    ctx = ngx_http_aws_sigv4_last_ctx(r);
    status = ctx ? ctx->status : NGX_HTTP_AWS_SIGV4_OFF;

    /* nginx ends a request without a word to whoever awaits its body */

    if (status == NGX_HTTP_AWS_SIGV4_PENDING && ctx->awaited) {
        status = NGX_HTTP_AWS_SIGV4_BAD_BODY;
    }

    word = ngx_http_aws_sigv4_status_name(status);

    return ngx_http_aws_sigv4_value(v, word->data, word->len);
}


static ngx_int_t
ngx_http_aws_sigv4_cause_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char                *word;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_aws_sigv4_last_ctx(r);

    if (ctx == NULL || ctx->cause == SIGV4_CAUSE_NONE) {
        v->not_found = 1;
        return NGX_OK;
    }

    word = sigv4_cause_word(ctx->cause);

    return ngx_http_aws_sigv4_value(v, (u_char *) word, ngx_strlen(word));
}


static ngx_int_t
ngx_http_aws_sigv4_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  id;
    ngx_uint_t                 i, cached;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    static ngx_str_t  extended = ngx_string("x-amz-id-2");

    ctx = ngx_http_aws_sigv4_last_ctx(r);

    cached = 0;

#if (NGX_HTTP_CACHE)

    /* the ids would be those of another request */

    cached = r->cached;

#endif

    if (ctx == NULL || ctx->off || r->upstream == NULL || cached) {
        v->not_found = 1;
        return NGX_OK;
    }

    id = data ? ngx_http_aws_sigv4_answer_header(r, &extended)
              : ngx_http_aws_sigv4_answer_id(r);

    /* no id of AWS, and no text in JSON if it is not UTF-8 */

    for (i = 0; i < id.len; i++) {

        if (id.data[i] < 0x20 || id.data[i] > 0x7e) {
            v->not_found = 1;
            return NGX_OK;
        }
    }

    return ngx_http_aws_sigv4_value(v, id.data, id.len);
}


ngx_str_t *
ngx_http_aws_sigv4_status_name(ngx_http_aws_sigv4_status_e status)
{
    return &ngx_http_aws_sigv4_statuses[status];
}
