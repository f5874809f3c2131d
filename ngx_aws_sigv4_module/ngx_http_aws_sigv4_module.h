
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A request, from the access phase to the answer.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_MODULE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_MODULE_H_INCLUDED_


#include "ngx_http_aws_sigv4_conf.h"
#include "ngx_http_aws_sigv4_secret.h"
#include "core/sigv4_refusal.h"


/* a head that is older than this is dated and signed anew, in seconds */
#define NGX_HTTP_AWS_SIGV4_HEAD_AGE          60


/* one word each in $aws_sigv4_status; the README has the list */
typedef enum {
    NGX_HTTP_AWS_SIGV4_OFF = 0,
    NGX_HTTP_AWS_SIGV4_PENDING,
    NGX_HTTP_AWS_SIGV4_SIGNED,
    NGX_HTTP_AWS_SIGV4_RESIGNED,
    NGX_HTTP_AWS_SIGV4_DENIED,
    NGX_HTTP_AWS_SIGV4_HOOK_ERROR,
    NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
    NGX_HTTP_AWS_SIGV4_BAD_BODY,
    NGX_HTTP_AWS_SIGV4_BAD_HOST,
    NGX_HTTP_AWS_SIGV4_HOST_NOT_ALLOWED,
    NGX_HTTP_AWS_SIGV4_NO_SERVICE,
    NGX_HTTP_AWS_SIGV4_NO_REGION,
    NGX_HTTP_AWS_SIGV4_BAD_SCOPE,
    NGX_HTTP_AWS_SIGV4_NO_PROVIDER,
    NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS,
    NGX_HTTP_AWS_SIGV4_BAD_PAYLOAD,
    NGX_HTTP_AWS_SIGV4_CHUNK_SIGNED,
    NGX_HTTP_AWS_SIGV4_NOT_SEALED,
    NGX_HTTP_AWS_SIGV4_ERROR,
    NGX_HTTP_AWS_SIGV4_STATUSES     /* how many */
} ngx_http_aws_sigv4_status_e;


/* what the hook or resty.aws_sigv4 chose; empty: not chosen */
typedef struct {
    ngx_str_t                         region;
    ngx_str_t                         service;
    ngx_str_t                         host;
    ngx_str_t                         message;  /* of deny() */
    ngx_http_aws_sigv4_provider_t    *provider;
    ngx_uint_t                        payload;
    ngx_uint_t                        deny;     /* its HTTP status */
    unsigned                          off:1;
} ngx_http_aws_sigv4_choice_t;


/* a body in memory is known by where it lies, a spooled one by its file */
typedef struct {
    ngx_str_t                         value;    /* 64 hex or a literal */
    u_char                            hash[SIGV4_SHA256_HEX_LEN];
    u_char                           *pos;
    off_t                             length;
    ngx_file_t                       *file;
    unsigned                          literal:1;
    unsigned                          read:1;   /* by this module */
} ngx_http_aws_sigv4_payload_t;


/* a request target, and what is sent instead of it */
typedef struct {
    ngx_str_t                         uri;
    sigv4_str_t                       path;
    sigv4_str_t                       query;
    unsigned                          s3:1;     /* repaired as one of S3 */
} ngx_http_aws_sigv4_target_t;


/* the signature and all it was made from */
typedef struct {
    sigv4_request_t                   request;  /* fields: in wire order */
    sigv4_scope_t                     scope;
    uint64_t                          generation;
    time_t                            time;     /* by the local clock */
    time_t                            skew;     /* added to the date */
    ngx_str_t                         access_key_id;
    ngx_str_t                         string_to_sign;
    ngx_str_t                         headers;  /* lines for the wire */
    u_char                            payload_hash[SIGV4_SHA256_HEX_LEN];
    unsigned                          token:1;  /* headers have one */
} ngx_http_aws_sigv4_signature_t;


typedef struct ngx_http_aws_sigv4_refused_s  ngx_http_aws_sigv4_refused_t;

typedef struct ngx_http_aws_sigv4_ctx_s  ngx_http_aws_sigv4_ctx_t;

struct ngx_http_aws_sigv4_ctx_s {
    ngx_http_request_t               *request;
    ngx_http_aws_sigv4_loc_conf_t    *conf;
    void                            (*resume)(ngx_http_request_t *r);

    ngx_uint_t                        step;
    ngx_http_aws_sigv4_status_e       status;
    ngx_int_t                         rc;       /* of a failed step */

    ngx_http_aws_sigv4_choice_t       choice;
    ngx_http_aws_sigv4_provider_t    *provider;
    ngx_str_t                         host;
    ngx_str_t                         service;
    ngx_str_t                         region;
    ngx_http_aws_sigv4_target_t       target;   /* the last one seen */
    ngx_http_aws_sigv4_payload_t      payload;
    ngx_http_aws_sigv4_signature_t    signature;

    /* the upstream callbacks that the seal stands before */
    ngx_int_t                       (*create_request)(ngx_http_request_t *r);
    ngx_int_t                       (*reinit_request)(ngx_http_request_t *r);
    void                            (*finalize_request)(ngx_http_request_t *r,
                                                       ngx_int_t rc);
    ngx_output_chain_filter_pt        output_filter;
    void                             *filter_ctx;

    ngx_chain_t                      *body;     /* as it is to be sent */
    ngx_chain_t                      *detached; /* of the head, on retry */

    ngx_buf_t                        *head;     /* as it is sent */
    ngx_str_t                         unsealed; /* as the proxy built it */
    time_t                            sealed;   /* 0: must not be sent */

    ngx_http_aws_sigv4_refused_t     *refused;  /* begin of an error */
    sigv4_cause_e                     cause;    /* of the last refusal */

    ngx_http_aws_sigv4_counted_t      counted;
    ngx_uint_t                        attempts; /* that are counted */
    ngx_uint_t                        unsent;   /* that the seal stopped */

    unsigned                          reading:1;
    unsigned                          waited:1; /* for credentials */
    unsigned                          awaited:1; /* the rest of the body */
    unsigned                          s3:1;
    unsigned                          off:1;
    unsigned                          explained:1; /* this attempt */
    unsigned                          failed:1; /* and counted */
};


/* ngx_http_aws_sigv4_ctx.c */

/* the ctx of the request; NULL if there is no memory */
ngx_http_aws_sigv4_ctx_t *ngx_http_aws_sigv4_get_ctx(ngx_http_request_t *r);

/* the latest ctx, also after an internal redirect; NULL if there was none */
ngx_http_aws_sigv4_ctx_t *ngx_http_aws_sigv4_last_ctx(ngx_http_request_t *r);

/* sets the status, remembers and returns rc */
ngx_int_t ngx_http_aws_sigv4_fail(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_aws_sigv4_status_e status, ngx_int_t rc);

/* the same, and answers with a body; returns NGX_AGAIN, see prepare() */
ngx_int_t ngx_http_aws_sigv4_answer(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_status_e status,
    ngx_int_t rc, ngx_str_t *type, ngx_str_t *message);

/* adds the header that tells a client when to ask for credentials again */
ngx_int_t ngx_http_aws_sigv4_retry_after(ngx_http_request_t *r);


/* ngx_http_aws_sigv4_access.c */

/* the handler of the access phase; it moves itself to the end of it */
ngx_int_t ngx_http_aws_sigv4_access_handler(ngx_http_request_t *r);

/*
 * Runs the steps from the hook to the signature.  NGX_OK: signed, or not
 * to be signed (ctx->off); NGX_AGAIN: resume() is called when it may go on,
 * or the answer has been sent, and r->main->count is held for the caller
 * to give back by NGX_DONE; else the HTTP status to answer.
 */
ngx_int_t ngx_http_aws_sigv4_prepare(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


/* ngx_http_aws_sigv4_target.c */

/*
 * What the proxy will put on the wire, as far as it can be told before.
 * Authority is what a proxy_pass with variables connects to, else empty.
 */
ngx_int_t ngx_http_aws_sigv4_target_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *host,
    ngx_str_t *authority);
ngx_int_t ngx_http_aws_sigv4_target_method(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *method);
ngx_int_t ngx_http_aws_sigv4_target_uri(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *uri);

/*
 * Splits a request target, removes what presigned it and repairs its
 * encoding: what is left goes on the wire and is signed.
 */
ngx_int_t ngx_http_aws_sigv4_target(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *uri, sigv4_request_t *req);


/* ngx_http_aws_sigv4_wire.c */

/*
 * The same for any URI, of S3 or not.  NGX_DECLINED: it does not start with
 * "/"; NGX_ERROR: there is no memory.
 */
ngx_int_t ngx_http_aws_sigv4_wire(ngx_pool_t *pool, ngx_str_t *uri,
    ngx_uint_t s3, sigv4_request_t *req);


/* ngx_http_aws_sigv4_allow.c */

/* whether it can stand in Host */
ngx_uint_t ngx_http_aws_sigv4_is_host(ngx_str_t *host);

/* NGX_OK if ctx->host is one, else it fails with 400 */
ngx_int_t ngx_http_aws_sigv4_valid_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);

/* whether "aws_sigv4_allow_hosts" has the host */
ngx_uint_t ngx_http_aws_sigv4_allows(ngx_http_aws_sigv4_loc_conf_t *slcf,
    ngx_str_t *host);

/* NGX_OK if a host that the request chose may be signed for, else 403 */
ngx_int_t ngx_http_aws_sigv4_allowed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host);

/* NGX_OK if the authority that nginx connects to may be signed for */
ngx_int_t ngx_http_aws_sigv4_authority(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *authority);


/* ngx_http_aws_sigv4_scope.c */

/*
 * Sets ctx->host, service, region and provider, or fails: the host that is
 * sent must be allowed, and the scope chosen or inferred.  host is the one
 * on the wire, or NULL where it is not known yet.  NGX_AGAIN: the region
 * comes with credentials that are not there yet.
 */
ngx_int_t ngx_http_aws_sigv4_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host);

/* whether ctx->host is the one that was looked up with the configuration */
ngx_uint_t ngx_http_aws_sigv4_known_host(ngx_http_aws_sigv4_ctx_t *ctx);

/* as it can stand in the log: there a line break would make a line */
ngx_str_t *ngx_http_aws_sigv4_shown(ngx_http_request_t *r, ngx_str_t *value);

/* the services whose paths are encoded once, and not normalised */
ngx_uint_t ngx_http_aws_sigv4_is_s3(ngx_str_t *service);

/* those that accept UNSIGNED-PAYLOAD */
ngx_uint_t ngx_http_aws_sigv4_takes_unsigned(ngx_str_t *service);


/* ngx_http_aws_sigv4_wait.c */

/*
 * NGX_AGAIN: resume() is called when there are credentials, or will be none
 * in time; NGX_DECLINED: there will be none, and the log says why.
 */
ngx_int_t ngx_http_aws_sigv4_wait_request(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


/* ngx_http_aws_sigv4_body.c */

/* reads the body unless it is there; NGX_AGAIN: resume() follows */
ngx_int_t ngx_http_aws_sigv4_read_body(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);

/* the hash of the body that was read, and of what is about to be sent */
ngx_int_t ngx_http_aws_sigv4_body_payload(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
ngx_int_t ngx_http_aws_sigv4_body_sent(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *text, ngx_chain_t *bufs);

/* in memory and in files */
off_t ngx_http_aws_sigv4_body_length(ngx_chain_t *bufs);


/* ngx_http_aws_sigv4_body_filter.c */

/*
 * Sets the hash in ctx->payload, whose length and file are set, to the one
 * that was made as the body arrived.  Known: no one has had the body since
 * it was read, so it is that of bufs in memory too.  NGX_DECLINED: there is
 * none, or it is of another body.
 */
ngx_int_t ngx_http_aws_sigv4_body_hashed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_chain_t *bufs, ngx_uint_t known);


/* ngx_http_aws_sigv4_hash.c */

ngx_int_t ngx_http_aws_sigv4_hash_bufs(ngx_http_request_t *r,
    ngx_chain_t *bufs, u_char *digest);


/* ngx_http_aws_sigv4_replay.c */

/* puts the bufs of the proxy where those of the body are */
void ngx_http_aws_sigv4_replay(ngx_chain_t *bufs, ngx_chain_t *body);

/* on a retry: keeps what nginx would not find again in the file */
void ngx_http_aws_sigv4_replay_detach(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_upstream_t *u);
void ngx_http_aws_sigv4_replay_attach(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_upstream_t *u);


/* ngx_http_aws_sigv4_payload.c */

/* what aws_sigv4_payload comes to for a service; AUTO is as SIGNED */
ngx_uint_t ngx_http_aws_sigv4_payload_mode(ngx_str_t *service,
    ngx_uint_t mode);

/* refuses a body whose chunks the client has signed */
ngx_int_t ngx_http_aws_sigv4_chunk_signed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);

/* sets ctx->payload, after reading the body where that is needed */
ngx_int_t ngx_http_aws_sigv4_payload(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


/* ngx_http_aws_sigv4_request.c */

typedef enum {
    NGX_HTTP_AWS_SIGV4_PASS = 0,    /* sent as it is, not signed */
    NGX_HTTP_AWS_SIGV4_SIGN,        /* sent and signed */
    NGX_HTTP_AWS_SIGV4_DROP         /* not sent */
} ngx_http_aws_sigv4_class_e;

/* names in lower case */
ngx_http_aws_sigv4_class_e ngx_http_aws_sigv4_classify(
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *name);
ngx_uint_t ngx_http_aws_sigv4_is_signed(ngx_http_aws_sigv4_loc_conf_t *slcf,
    ngx_str_t *name);
ngx_uint_t ngx_http_aws_sigv4_is_replaced(ngx_str_t *name);

/* the request that the proxy is expected to build */
ngx_int_t ngx_http_aws_sigv4_request(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req);

/* the most fields that a request of this location can have */
ngx_uint_t ngx_http_aws_sigv4_count_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf);
void ngx_http_aws_sigv4_add_field(sigv4_request_t *req, ngx_str_t *name,
    ngx_str_t *value);
void ngx_http_aws_sigv4_encoding(ngx_http_aws_sigv4_ctx_t *ctx,
    sigv4_request_t *req);
ngx_uint_t ngx_http_aws_sigv4_request_equal(sigv4_request_t *a,
    sigv4_request_t *b);


/* ngx_http_aws_sigv4_head.c */

/* a line of the head that is not sent */
typedef struct {
    u_char                           *start;
    u_char                           *end;
} ngx_http_aws_sigv4_line_t;

/* a request head as the proxy has built it */
typedef struct {
    ngx_str_t                         method;
    ngx_str_t                         target;
    ngx_str_t                         host;
    ngx_str_t                         content_length;
    u_char                           *fields;   /* of the first header */
    u_char                           *end;      /* of the last CRLF */
    ngx_array_t                       dropped;  /* of line_t */
    unsigned                          chunked:1;
} ngx_http_aws_sigv4_head_t;

/* the request that the proxy has built, all but its payload */
ngx_int_t ngx_http_aws_sigv4_head_parse(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req);


/* ngx_http_aws_sigv4_stages.c */

/* one signature while it is made, in the scratch of the worker */
typedef struct {
    ngx_http_aws_sigv4_main_conf_t   *smcf;
    sigv4_credentials_t              *cred;
    uint64_t                          generation;
    sigv4_buf_t                       buf;
    sigv4_str_t                       signed_headers;
    sigv4_str_t                       string_to_sign;
    sigv4_str_t                       authorization;
} ngx_http_aws_sigv4_work_t;

/* sets scope->datetime; date and time must be of the same reading */
void ngx_http_aws_sigv4_date(ngx_http_aws_sigv4_main_conf_t *smcf,
    sigv4_scope_t *scope, time_t t);

/*
 * Adds the fields that the module makes, and sorts; there is room for three
 * more.  sha256 NULL, or an empty token: there is none.
 */
void ngx_http_aws_sigv4_add_own(sigv4_request_t *req, sigv4_scope_t *scope,
    ngx_str_t *sha256, sigv4_str_t *token);

ngx_int_t ngx_http_aws_sigv4_scratch(ngx_http_aws_sigv4_main_conf_t *smcf,
    size_t size, sigv4_buf_t *buf, ngx_log_t *log);
void ngx_http_aws_sigv4_wipe_scratch(ngx_http_aws_sigv4_work_t *work);

/* a code of the core; whatever it is, the caller wipes the scratch */
int ngx_http_aws_sigv4_stages(ngx_http_aws_sigv4_work_t *work,
    sigv4_scope_t *scope, sigv4_request_t *all,
    uint8_t signature[SIGV4_SIGNATURE_LEN]);


/* ngx_http_aws_sigv4_sign.c */

/* makes ctx->signature of the request; wipes what it made on the way */
ngx_int_t ngx_http_aws_sigv4_sign(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req);

/* made once more, with the session token masked, for the variables */
ngx_int_t ngx_http_aws_sigv4_explain(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *canonical_request,
    ngx_str_t *signed_headers);


/* ngx_http_aws_sigv4_upstream.c */

/* stands in front of the handler of the proxy module */
ngx_int_t ngx_http_aws_sigv4_proxy_handler(ngx_http_request_t *r);


/* ngx_http_aws_sigv4_seal.c */

/*
 * Puts the signature onto the head in ctx->unsealed.  Built: the proxy has
 * just made it, and a body that may be another one.
 */
ngx_int_t ngx_http_aws_sigv4_seal(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t built);


/* ngx_http_aws_sigv4_lua.c */

/*
 * Runs the hook of the location.  NGX_OK: ctx->choice is set, also where
 * it says deny or off; NGX_ERROR: it failed, and the log says how.
 */
ngx_int_t ngx_http_aws_sigv4_hook_run(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


/* ngx_http_aws_sigv4_variables.c */

/* the word for it */
ngx_str_t *ngx_http_aws_sigv4_status_name(
    ngx_http_aws_sigv4_status_e status);


static ngx_inline sigv4_str_t
ngx_http_aws_sigv4_str(ngx_str_t *s)
{
    sigv4_str_t  str;

    str.len = s->len;
    str.data = s->data;

    return str;
}


static ngx_inline ngx_uint_t
ngx_http_aws_sigv4_name_is(ngx_str_t *name, const char *s, size_t len)
{
    return name->len == len && ngx_memcmp(name->data, s, len) == 0;
}


#endif /* _NGX_HTTP_AWS_SIGV4_MODULE_H_INCLUDED_ */
