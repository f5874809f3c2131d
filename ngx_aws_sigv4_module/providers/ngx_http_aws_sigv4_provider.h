
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What a type of provider has to do, and what it may use.  Requests see
 * ngx_http_aws_sigv4_credentials.h alone.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_PROVIDER_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_PROVIDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_credentials.h"
#include "ngx_http_aws_sigv4_secret.h"
#include "ngx_http_aws_sigv4_environ.h"
#include "ngx_http_aws_sigv4_file.h"


/* that a provider reads, at most */
#define NGX_HTTP_AWS_SIGV4_FILES          2

#define NGX_HTTP_AWS_SIGV4_ERROR_LEN      512

/* longer ones are not credentials but a mistake */
#define NGX_HTTP_AWS_SIGV4_KEY_ID_MAX     256
#define NGX_HTTP_AWS_SIGV4_SECRET_MAX     1024
#define NGX_HTTP_AWS_SIGV4_TOKEN_MAX      65536


typedef struct ngx_http_aws_sigv4_remote_s  ngx_http_aws_sigv4_remote_t;
typedef struct ngx_http_aws_sigv4_job_s     ngx_http_aws_sigv4_job_t;


/* a parameter of aws_sigv4_provider; the list ends with an empty name */
typedef struct {
    ngx_str_t                            name;
    ngx_uint_t                           secret;  /* must not stand there */
} ngx_http_aws_sigv4_param_t;


typedef struct {
    ngx_str_t                            name;
    ngx_http_aws_sigv4_param_t          *params;

    /*
     * When the configuration is read; cf points at the directive.  Looks
     * at the parameters and sets p->files.  NGX_ERROR has been logged.
     */
    ngx_int_t                          (*init)(ngx_conf_t *cf,
                                           ngx_http_aws_sigv4_provider_t *p);

    /*
     * Then, and in workers when a file has changed: sets credentials.
     * NGX_DECLINED: there is nothing of the kind here, another provider of
     * a chain may be asked; NGX_ERROR: what there is cannot be used.
     * Either is what ngx_http_aws_sigv4_provider_error() returned.
     */
    ngx_int_t                          (*load)(
                                           ngx_http_aws_sigv4_provider_t *p,
                                           ngx_log_t *log);

    /*
     * Before credentials are used: looks whether there are others, as
     * often as is due.  NULL: there never are.
     */
    void                               (*refresh)(
                                           ngx_http_aws_sigv4_provider_t *p,
                                           ngx_log_t *log);

    /*
     * Of remote types, see ngx_http_aws_sigv4_remote.h: starts an attempt
     * to get credentials, and gives up what it has started, apart from
     * the exchange of the job; abort may be NULL.
     */
    void                               (*fetch)(
                                           ngx_http_aws_sigv4_job_t *job);
    void                               (*abort)(
                                           ngx_http_aws_sigv4_job_t *job);
} ngx_http_aws_sigv4_provider_type_t;


struct ngx_http_aws_sigv4_provider_s {
    ngx_str_t                            name;
    ngx_http_aws_sigv4_provider_type_t  *type;
    ngx_http_aws_sigv4_store_t          *store;

    ngx_str_t                           *params;  /* as type->params */
    void                                *data;    /* of the type */
    ngx_str_t                            region;

    /* the provider that was chosen, of a chain */
    ngx_http_aws_sigv4_provider_t       *source;

    /* the profile that it was made for, with that one's settings */
    ngx_http_aws_sigv4_provider_t       *profile;

    ngx_http_aws_sigv4_credentials_t    *credentials;
    ngx_http_aws_sigv4_remote_t         *remote;  /* if it has to ask */

    ngx_http_aws_sigv4_file_t            files[NGX_HTTP_AWS_SIGV4_FILES];
    ngx_uint_t                           nfiles;
    ngx_msec_t                           checked;

    ngx_int_t                            rc;      /* of the last load() */
    ngx_str_t                            error;   /* why it was not NGX_OK */
    u_char                               text[NGX_HTTP_AWS_SIGV4_ERROR_LEN];
    time_t                               complained;

    u_char                              *file;    /* of the directive */
    ngx_uint_t                           line;

    unsigned                             implied:1;  /* not in the file */
    unsigned                             used:1;
    unsigned                             loading:1;
    unsigned                             loaded:1;
};


/* name and type are kept */
ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_provider_add(
    ngx_conf_t *cf, ngx_http_aws_sigv4_store_t *store, ngx_str_t *name,
    ngx_http_aws_sigv4_provider_type_t *type);
ngx_http_aws_sigv4_provider_type_t *ngx_http_aws_sigv4_provider_type(
    ngx_str_t *name);

/*
 * What a chain or a role names: a provider that is defined, or else one of
 * the type of that name.  NGX_DECLINED: there is neither.
 */
ngx_int_t ngx_http_aws_sigv4_provider_member(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name,
    ngx_http_aws_sigv4_provider_t **p);

/* writes "static, env or chain": all there are */
u_char *ngx_http_aws_sigv4_provider_types(u_char *p, u_char *last);

/* once, with the configuration: as type->load; NGX_ERROR has been logged */
ngx_int_t ngx_http_aws_sigv4_provider_load(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);

/* remembers why there are no credentials, and returns rc */
ngx_int_t ngx_http_aws_sigv4_provider_error(
    ngx_http_aws_sigv4_provider_t *p, ngx_int_t rc, const char *fmt, ...);

/* type->refresh of types that read files */
void ngx_http_aws_sigv4_provider_refresh(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log);

/* adds path, relative to the prefix of the configuration, to p->files */
ngx_int_t ngx_http_aws_sigv4_provider_file(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *path);

/*
 * Makes a copy of the values the provider's credentials and says so in the
 * log, with the source they came from; does nothing if they are those that
 * it has already.  Returns what is wrong with them, NULL if nothing is.
 */
char *ngx_http_aws_sigv4_credentials_set(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, sigv4_credentials_t *value, time_t expires,
    u_char *source);

/*
 * The same for those that have a generation already; without a source the
 * log is not told.
 */
char *ngx_http_aws_sigv4_credentials_share(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, sigv4_credentials_t *value, time_t expires,
    uint64_t generation, u_char *source);

/* what is wrong with them, NULL if nothing is */
char *ngx_http_aws_sigv4_credentials_check(sigv4_credentials_t *value);

/* whether there are some, and have not expired */
ngx_uint_t ngx_http_aws_sigv4_credentials_usable(
    ngx_http_aws_sigv4_credentials_t *cred);

ngx_uint_t ngx_http_aws_sigv4_same(sigv4_credentials_t *a,
    sigv4_credentials_t *b);
uint64_t ngx_http_aws_sigv4_generation(void);

void ngx_http_aws_sigv4_credentials_free(
    ngx_http_aws_sigv4_credentials_t *cred);

/* sets p->region, of a profile that is not loaded */
void ngx_http_aws_sigv4_profile_lend_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);


extern ngx_http_aws_sigv4_provider_type_t
    ngx_http_aws_sigv4_static_provider;
extern ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_env_provider;
extern ngx_http_aws_sigv4_provider_type_t
    ngx_http_aws_sigv4_profile_provider;
extern ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_csv_provider;
extern ngx_http_aws_sigv4_provider_type_t
    ngx_http_aws_sigv4_container_provider;
extern ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_imds_provider;
extern ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_chain_provider;
extern ngx_http_aws_sigv4_provider_type_t
    ngx_http_aws_sigv4_web_identity_provider;
extern ngx_http_aws_sigv4_provider_type_t
    ngx_http_aws_sigv4_assume_role_provider;
extern ngx_http_aws_sigv4_provider_type_t
    ngx_http_aws_sigv4_process_provider;


#endif /* _NGX_HTTP_AWS_SIGV4_PROVIDER_H_INCLUDED_ */
