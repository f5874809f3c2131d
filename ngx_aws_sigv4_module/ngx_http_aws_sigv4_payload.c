
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_str_t *ngx_http_aws_sigv4_declared(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_payload_unsigned(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *literal);


#define NGX_HTTP_AWS_SIGV4_STREAMING_UNSIGNED                                 \
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


/*
 * A body whose chunks carry signatures of the client: they would be void
 * beside ours, and the upload is refused before it starts.
 */

ngx_int_t
ngx_http_aws_sigv4_chunk_signed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_str_t  *declared;

    static ngx_str_t  type = ngx_string("application/xml");
    static ngx_str_t  message = ngx_string(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<Error><Code>NotImplemented</Code><Message>"
        "This gateway cannot sign the chunks of a body again. Configure the "
        "client to send UNSIGNED-PAYLOAD or a plain body."
        "</Message></Error>\n");

    declared = ngx_http_aws_sigv4_declared(r);

    if (declared == NULL
        || declared->len < 15
        || ngx_strncmp(declared->data, "STREAMING-AWS4-", 15) != 0)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: the client signs the chunks of the body (\"%V\") "
                  "which cannot be signed again, let it send "
                  "UNSIGNED-PAYLOAD or a plain body", declared);

    /* as nginx does with this status: the upload need not be awaited */

    r->keepalive = 0;

    return ngx_http_aws_sigv4_answer(r, ctx,
                                     NGX_HTTP_AWS_SIGV4_CHUNK_SIGNED,
                                     NGX_HTTP_NOT_IMPLEMENTED, &type,
                                     &message);
}


ngx_int_t
ngx_http_aws_sigv4_payload(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_str_t  *declared;
    ngx_uint_t  mode;

    static ngx_str_t  unsigned_payload = ngx_string(SIGV4_UNSIGNED_PAYLOAD);

    mode = ctx->choice.payload ? ctx->choice.payload : ctx->conf->payload;
    mode = ngx_http_aws_sigv4_payload_mode(&ctx->service, mode);

    declared = ctx->s3 ? ngx_http_aws_sigv4_declared(r) : NULL;

    if (declared != NULL
        && ((declared->len == sizeof(SIGV4_UNSIGNED_PAYLOAD) - 1
             && ngx_strncmp(declared->data, SIGV4_UNSIGNED_PAYLOAD,
                            declared->len) == 0)
            || (declared->len
                == sizeof(NGX_HTTP_AWS_SIGV4_STREAMING_UNSIGNED) - 1
                && ngx_strncmp(declared->data,
                               NGX_HTTP_AWS_SIGV4_STREAMING_UNSIGNED,
                               declared->len) == 0)))
    {
        if (mode != NGX_HTTP_AWS_SIGV4_PAYLOAD_SIGNED) {
            return ngx_http_aws_sigv4_payload_unsigned(r, ctx, declared);
        }

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the client declares \"%V\" where "
                      "\"aws_sigv4_payload signed\" is configured", declared);

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_PAYLOAD,
                                       NGX_HTTP_BAD_REQUEST);
    }

    if (mode == NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED) {
        return ngx_http_aws_sigv4_payload_unsigned(r, ctx, &unsigned_payload);
    }

    rc = ngx_http_aws_sigv4_read_body(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_aws_sigv4_body_payload(r, ctx);
}


static ngx_str_t *
ngx_http_aws_sigv4_declared(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].key.len == sizeof("x-amz-content-sha256") - 1
            && ngx_strncasecmp(header[i].key.data,
                               (u_char *) "x-amz-content-sha256",
                               header[i].key.len)
               == 0)
        {
            return &header[i].value;
        }
    }
}


ngx_uint_t
ngx_http_aws_sigv4_payload_mode(ngx_str_t *service, ngx_uint_t mode)
{
    /* VPC Lattice does not verify bodies and wants the literal */

    if (mode == NGX_HTTP_AWS_SIGV4_PAYLOAD_AUTO
        && ngx_http_aws_sigv4_name_is(service, "vpc-lattice-svcs", 16))
    {
        return NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED;
    }

    /* other services answer SignatureDoesNotMatch to it */

    if (mode == NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED
        && !ngx_http_aws_sigv4_takes_unsigned(service))
    {
        return NGX_HTTP_AWS_SIGV4_PAYLOAD_AUTO;
    }

    return mode;
}


static ngx_int_t
ngx_http_aws_sigv4_payload_unsigned(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *literal)
{
    ctx->payload.literal = 1;
    ctx->payload.value = *literal;

    /* S3 takes no chunked transfer coding: a spooled body has a length */

    if (r->headers_in.chunked) {
        return ngx_http_aws_sigv4_read_body(r, ctx);
    }

    return NGX_OK;
}
