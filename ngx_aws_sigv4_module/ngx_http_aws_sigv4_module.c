
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_fetch.h"
#include "ngx_http_aws_sigv4_status.h"
#include "ngx_http_aws_sigv4_zone.h"


static ngx_int_t ngx_http_aws_sigv4_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_aws_sigv4_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_aws_sigv4_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_aws_sigv4_init_process(ngx_cycle_t *cycle);
static void ngx_http_aws_sigv4_exit_process(ngx_cycle_t *cycle);


#define NGX_HTTP_AWS_SIGV4_ANY_CONF                                           \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF


static ngx_command_t  ngx_http_aws_sigv4_commands[] = {

    { ngx_string("aws_sigv4"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_FLAG,
      ngx_http_aws_sigv4_enable,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, enable),
      NULL },

    { ngx_string("aws_sigv4_service"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_aws_sigv4_scope_name,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, service),
      NULL },

    { ngx_string("aws_sigv4_region"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_aws_sigv4_scope_name,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, region),
      NULL },

    { ngx_string("aws_sigv4_host"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, host),
      NULL },

    { ngx_string("aws_sigv4_credentials"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, credentials),
      NULL },

    { ngx_string("aws_sigv4_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_aws_sigv4_provider,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_main_conf_t, store),
      NULL },

    { ngx_string("aws_sigv4_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_aws_sigv4_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_main_conf_t, store),
      NULL },

    { ngx_string("aws_sigv4_payload"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_aws_sigv4_payload_form,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("aws_sigv4_content_sha256"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, content_sha256),
      NULL },

    { ngx_string("aws_sigv4_signed_headers"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_aws_sigv4_signed_headers,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, signed_headers),
      NULL },

    { ngx_string("aws_sigv4_normalize_path"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, normalize_path),
      NULL },

    { ngx_string("aws_sigv4_double_encode"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, double_encode),
      NULL },

    { ngx_string("aws_sigv4_allow_hosts"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_aws_sigv4_allow_hosts,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, allow_hosts),
      NULL },

    { ngx_string("aws_sigv4_credentials_timeout"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, credentials_timeout),
      NULL },

    { ngx_string("aws_sigv4_by_lua_block"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_http_aws_sigv4_by_lua_block,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, hook),
      NULL },

    { ngx_string("aws_sigv4_by_lua_file"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_aws_sigv4_by_lua_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, hook),
      NULL },

    { ngx_string("aws_sigv4_lua_need_body"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, lua_need_body),
      NULL },

    { ngx_string("aws_sigv4_lua_body_size"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_loc_conf_t, lua_body_size),
      NULL },

    { ngx_string("aws_sigv4_lua_package_path"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_main_conf_t, lua_package_path),
      NULL },

    { ngx_string("aws_sigv4_lua_package_cpath"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_aws_sigv4_main_conf_t, lua_package_cpath),
      NULL },

    { ngx_string("aws_sigv4_metrics_label"),
      NGX_HTTP_AWS_SIGV4_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_aws_sigv4_metrics_label,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("aws_sigv4_alarm"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_aws_sigv4_alarm,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("aws_sigv4_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_aws_sigv4_status,
      0,
      0,
      NULL },

    { ngx_string("aws_sigv4_cloudwatch"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_aws_sigv4_cloudwatch,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("aws_sigv4_ready"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_aws_sigv4_ready,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_aws_sigv4_module_ctx = {
    ngx_http_aws_sigv4_preconfiguration,   /* preconfiguration */
    ngx_http_aws_sigv4_postconfiguration,  /* postconfiguration */

    ngx_http_aws_sigv4_create_main_conf,   /* create main configuration */
    ngx_http_aws_sigv4_init_main_conf,     /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_aws_sigv4_create_loc_conf,    /* create location configuration */
    ngx_http_aws_sigv4_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_aws_sigv4_module = {
    NGX_MODULE_V1,
    &ngx_http_aws_sigv4_module_ctx,        /* module context */
    ngx_http_aws_sigv4_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_aws_sigv4_init_module,        /* init module */
    ngx_http_aws_sigv4_init_process,       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_aws_sigv4_exit_process,       /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_aws_sigv4_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_http_aws_sigv4_add_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_proxy_record(cf);
}


static ngx_int_t
ngx_http_aws_sigv4_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    ngx_http_aws_sigv4_proxy_restore();

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    if (!smcf->used) {
        return smcf->metrics
               ? ngx_http_aws_sigv4_zone_create(cf, &smcf->store) : NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_aws_sigv4_access_handler;

    if (ngx_http_aws_sigv4_providers_init(cf, &smcf->store) != NGX_OK
        || (smcf->cloudwatch != NULL
            && ngx_http_aws_sigv4_cloudwatch_create(cf, smcf) != NGX_OK)
        || ngx_http_aws_sigv4_lua_init(cf) != NGX_OK
        || ngx_http_aws_sigv4_cause_zone_create(cf, smcf) != NGX_OK
        || ngx_http_aws_sigv4_refused_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_body_init(cf);
}


static ngx_int_t
ngx_http_aws_sigv4_init_module(ngx_cycle_t *cycle)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_aws_sigv4_module);

    if (smcf == NULL) {
        return NGX_OK;
    }

    if (!smcf->used) {

        /* the zone of the metrics may have keys of the last configuration */

        if (!ngx_test_config) {
            ngx_http_aws_sigv4_zone_commit(&smcf->store);
        }

        return NGX_OK;
    }

    return ngx_http_aws_sigv4_store_init_module(cycle, &smcf->store);
}


static ngx_int_t
ngx_http_aws_sigv4_init_process(ngx_cycle_t *cycle)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_aws_sigv4_module);

    if (smcf == NULL || !smcf->used) {
        return NGX_OK;
    }

    ngx_http_aws_sigv4_alarm_start(cycle, smcf);

    if (ngx_http_aws_sigv4_store_init_process(cycle, &smcf->store)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (smcf->cloudwatch != NULL) {
        ngx_http_aws_sigv4_cloudwatch_init(smcf->cloudwatch);
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_aws_sigv4_module);

    if (smcf != NULL && smcf->used) {
        ngx_http_aws_sigv4_store_exit_process(&smcf->store);
    }

    ngx_http_aws_sigv4_fetch_exit();
}
