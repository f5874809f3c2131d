
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The configuration, and who reads it.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_CONF_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/sigv4.h"
#include "core/sigv4_endpoint.h"
#include "ngx_http_aws_sigv4_credentials.h"


#define NGX_HTTP_AWS_SIGV4_VERSION        "0.1.0"

/* aws_sigv4_payload; AUTO is "signed" that was not written */
#define NGX_HTTP_AWS_SIGV4_PAYLOAD_AUTO      0
#define NGX_HTTP_AWS_SIGV4_PAYLOAD_SIGNED    1
#define NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED  2


/* a header that proxy_set_header sends */
typedef struct {
    ngx_str_t                         name;     /* in lower case */
    ngx_str_t                         source;   /* as it was written */
    ngx_http_complex_value_t         *value;    /* of signed ones only */
    u_char                           *file;
    ngx_uint_t                        line;
} ngx_http_aws_sigv4_header_t;


/* what proxy_pass said */
typedef struct {
    ngx_http_complex_value_t         *url;      /* NULL: no variables */
    ngx_str_t                         source;   /* as it was written */
    ngx_str_t                         host;     /* the Host of $proxy_host */
    ngx_str_t                         uri;      /* the URI part */
    ngx_str_t                         location; /* what the URI part replaces */
    u_char                           *file;
    ngx_uint_t                        line;
    unsigned                          ssl:1;
    unsigned                          variable_authority:1;
} ngx_http_aws_sigv4_pass_t;


/*
 * The configuration of the proxy module is private, so what its commands
 * say is recorded while they are parsed, and inherited by the same rules.
 */

typedef struct {
    ngx_http_aws_sigv4_pass_t        *pass;
    ngx_array_t                      *headers;  /* of header_t */
    ngx_http_complex_value_t         *method;
    ngx_flag_t                        cache;
    ngx_flag_t                        set_body;
    ngx_flag_t                        http2;
    ngx_flag_t                        grpc;
    ngx_flag_t                        allow;
    ngx_flag_t                        deny;
    ngx_flag_t                        auth_basic;
    ngx_flag_t                        auth_request;
    ngx_flag_t                        access_lua; /* access_by_lua_block */
    ngx_flag_t                        client_cert; /* ssl_verify_client */
    ngx_flag_t                        internal;
    ngx_flag_t                        lua;      /* set_by_lua_block, ... */
    ngx_flag_t                        ssl_verify;
    ngx_flag_t                        ssl_server_name;
    ngx_flag_t                        ssl_name;
    ngx_flag_t                        buffering;
    ngx_flag_t                        pass_body;
} ngx_http_aws_sigv4_proxy_t;


/* a pattern of aws_sigv4_allow_hosts */
typedef struct {
    ngx_str_t                         name;     /* without "*" */
    unsigned                          suffix:1;
    unsigned                          any:1;
#if (NGX_PCRE)
    ngx_regex_t                      *regex;
#endif
} ngx_http_aws_sigv4_pattern_t;


typedef struct ngx_http_aws_sigv4_vm_s    ngx_http_aws_sigv4_vm_t;
typedef struct ngx_http_aws_sigv4_hook_s  ngx_http_aws_sigv4_hook_t;

typedef struct ngx_http_aws_sigv4_causes_s  ngx_http_aws_sigv4_causes_t;
typedef struct ngx_http_aws_sigv4_cloudwatch_s
                                           ngx_http_aws_sigv4_cloudwatch_t;
typedef struct ngx_http_aws_sigv4_series_s  ngx_http_aws_sigv4_series_t;


/* where something was counted last, and what does not tell from its labels */
typedef struct {
    ngx_http_aws_sigv4_series_t      *series;
    ngx_http_aws_sigv4_provider_t    *provider;
    u_char                           *location;
} ngx_http_aws_sigv4_counted_t;


/* aws_sigv4_alarm; the metrics are those of ngx_http_aws_sigv4_alarm.c */
#define NGX_HTTP_AWS_SIGV4_ALARMS            3

typedef struct {
    ngx_msec_t                        window;
    ngx_int_t                         threshold[NGX_HTTP_AWS_SIGV4_ALARMS];
    ngx_uint_t                        off;      /* all of them */
} ngx_http_aws_sigv4_alarms_t;


typedef struct {
    ngx_http_aws_sigv4_store_t        store;    /* of providers */

    ngx_http_handler_pt               proxy_handler;
    sigv4_crypto_t                   *crypto;
    sigv4_key_cache_t                *keys;     /* not in core files */
    u_char                           *scratch;  /* nor this */
    size_t                            scratch_size;

    time_t                            time;     /* and as it is written */
    u_char                            datetime[SIGV4_DATETIME_LEN];

    ngx_http_aws_sigv4_vm_t          *vm;
    ngx_str_t                         lua_package_path;
    ngx_str_t                         lua_package_cpath;

    ngx_http_aws_sigv4_causes_t      *causes;   /* shared by all workers */
    ngx_http_aws_sigv4_cloudwatch_t  *cloudwatch;

    ngx_http_aws_sigv4_alarms_t       alarms;

    ngx_rbtree_t                      told;     /* what was warned of */
    ngx_rbtree_t                      series;   /* that locations need */
    ngx_uint_t                        nseries;
    ngx_rbtree_node_t                 sentinel; /* of both */

    ngx_uint_t                        used;     /* aws_sigv4 on somewhere */
    ngx_uint_t                        metrics;  /* aws_sigv4_metrics */
} ngx_http_aws_sigv4_main_conf_t;


typedef struct {
    ngx_flag_t                        enable;
    ngx_http_complex_value_t         *service;
    ngx_http_complex_value_t         *region;
    ngx_http_complex_value_t         *host;
    ngx_http_complex_value_t         *credentials;
    ngx_http_aws_sigv4_provider_t    *provider; /* if without variables */
    ngx_uint_t                        payload;
    ngx_flag_t                        content_sha256;
    ngx_array_t                      *signed_headers;   /* of ngx_str_t */
    ngx_flag_t                        normalize_path;   /* -1: by service */
    ngx_flag_t                        double_encode;    /* -1: by service */
    ngx_array_t                      *allow_hosts;      /* of pattern_t */
    ngx_msec_t                        credentials_timeout;
    ngx_http_aws_sigv4_hook_t        *hook;
    ngx_flag_t                        lua_need_body;
    size_t                            lua_body_size;

    ngx_http_aws_sigv4_proxy_t        proxy;

    /* the last Host that a scope was inferred from, and that scope */
    ngx_str_t                         known_host;
    sigv4_endpoint_t                  known;

    ngx_str_t                         metrics_label;

    ngx_http_aws_sigv4_counted_t      counted;

    u_char                           *file;     /* of aws_sigv4 on */
    ngx_uint_t                        line;

    unsigned                          variable_host:1;  /* of the client */
} ngx_http_aws_sigv4_loc_conf_t;


/* ngx_http_aws_sigv4_module.c */

extern ngx_module_t  ngx_http_aws_sigv4_module;


/* ngx_http_aws_sigv4_conf.c */

void *ngx_http_aws_sigv4_create_main_conf(ngx_conf_t *cf);
char *ngx_http_aws_sigv4_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_aws_sigv4_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_aws_sigv4_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/*
 * the setters of aws_sigv4, of payload, of service and region, of
 * signed_headers and of metrics_label
 */
char *ngx_http_aws_sigv4_enable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aws_sigv4_payload_form(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aws_sigv4_scope_name(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aws_sigv4_signed_headers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aws_sigv4_metrics_label(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_aws_sigv4_proxy_commands.c */

/* from preconfiguration to postconfiguration the proxy commands record */
ngx_int_t ngx_http_aws_sigv4_proxy_record(ngx_conf_t *cf);
void ngx_http_aws_sigv4_proxy_restore(void);


/* ngx_http_aws_sigv4_proxy.c */

void ngx_http_aws_sigv4_proxy_init(ngx_http_aws_sigv4_proxy_t *proxy);
ngx_int_t ngx_http_aws_sigv4_proxy_merge(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *prev, ngx_http_aws_sigv4_loc_conf_t *conf);

/* the header that proxy_set_header sends by this name; NULL if none */
ngx_http_aws_sigv4_header_t *ngx_http_aws_sigv4_proxy_header(
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *name);


/* ngx_http_aws_sigv4_check.c */

/* what nginx -t can tell about one location */
ngx_int_t ngx_http_aws_sigv4_check(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);

/* whether it is left to the host */
ngx_uint_t ngx_http_aws_sigv4_unset(ngx_http_complex_value_t *cv);

/* the endpoint of a host, in any case; NGX_DECLINED: it is none of AWS */
ngx_int_t ngx_http_aws_sigv4_look_up(ngx_conf_t *cf, ngx_str_t *host,
    sigv4_endpoint_t *ep);


/* ngx_http_aws_sigv4_advise.c */

/* what it warns of */
void ngx_http_aws_sigv4_advise(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


/* ngx_http_aws_sigv4_allow.c */

/* the setter of aws_sigv4_allow_hosts */
char *ngx_http_aws_sigv4_allow_hosts(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_aws_sigv4_body_filter.c */

ngx_int_t ngx_http_aws_sigv4_body_init(ngx_conf_t *cf);


/* ngx_http_aws_sigv4_lua.c */

char *ngx_http_aws_sigv4_by_lua_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aws_sigv4_by_lua_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* sets the path of modules, which may follow the hooks in a configuration */
ngx_int_t ngx_http_aws_sigv4_lua_init(ngx_conf_t *cf);


/* ngx_http_aws_sigv4_variables.c */

ngx_int_t ngx_http_aws_sigv4_add_variables(ngx_conf_t *cf);


/* ngx_http_aws_sigv4_cloudwatch_conf.c */

/* the setter of aws_sigv4_cloudwatch */
char *ngx_http_aws_sigv4_cloudwatch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* when all providers are defined, and when the zone of counters is there */
ngx_int_t ngx_http_aws_sigv4_cloudwatch_use(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf);
ngx_int_t ngx_http_aws_sigv4_cloudwatch_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf);


/* ngx_http_aws_sigv4_cloudwatch.c: in each worker */

void ngx_http_aws_sigv4_cloudwatch_init(
    ngx_http_aws_sigv4_cloudwatch_t *cw);


#endif /* _NGX_HTTP_AWS_SIGV4_CONF_H_INCLUDED_ */
