
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_metrics.h"


static ngx_int_t ngx_http_aws_sigv4_merge_provider(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_crypto_cleanup(void *data);


void *
ngx_http_aws_sigv4_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     smcf->proxy_handler = NULL;
     *     smcf->crypto = NULL;
     *     smcf->keys = NULL;
     *     smcf->scratch = NULL;
     *     smcf->scratch_size = 0;
     *     smcf->vm = NULL;
     *     smcf->lua_package_path = { 0, NULL };
     *     smcf->lua_package_cpath = { 0, NULL };
     *     smcf->causes = NULL;
     *     smcf->cloudwatch = NULL;
     *     smcf->nseries = 0;
     *     smcf->used = 0;
     *     smcf->metrics = 0;
     */

    ngx_http_aws_sigv4_alarm_create(&smcf->alarms);

    ngx_rbtree_init(&smcf->told, &smcf->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&smcf->series, &smcf->sentinel,
                    ngx_str_rbtree_insert_value);

    if (ngx_http_aws_sigv4_store_create(cf, &smcf->store) != NGX_OK) {
        return NULL;
    }

    return smcf;
}


char *
ngx_http_aws_sigv4_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf = conf;

    ngx_uint_t           i;
    ngx_pool_cleanup_t  *cln;

    ngx_http_aws_sigv4_alarm_init(&smcf->alarms);

    /* a provider may be there for code of resty.aws_sigv4 alone */

    if (smcf->store.providers.nelts) {

        for (i = 0; cf->cycle->modules[i]; i++) {

            if (ngx_strcmp(cf->cycle->modules[i]->name,
                           "ngx_http_lua_module")
                == 0)
            {
                smcf->used = 1;
            }
        }
    }

    if (smcf->cloudwatch != NULL
        && ngx_http_aws_sigv4_cloudwatch_use(cf, smcf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (!smcf->used) {
        return NGX_CONF_OK;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_aws_sigv4_crypto_cleanup;
    cln->data = smcf;

    smcf->crypto = sigv4_crypto_create();
    if (smcf->crypto == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "aws sigv4: OpenSSL has no SHA-256");
        return NGX_CONF_ERROR;
    }

    smcf->keys = ngx_http_aws_sigv4_secret_alloc(sizeof(sigv4_key_cache_t),
                                                 cf->log);
    if (smcf->keys == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_aws_sigv4_crypto_cleanup(void *data)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf = data;

    if (smcf->crypto != NULL) {
        sigv4_crypto_destroy(smcf->crypto);
    }

    ngx_http_aws_sigv4_secret_free(smcf->keys);
    ngx_http_aws_sigv4_secret_free(smcf->scratch);
}


void *
ngx_http_aws_sigv4_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    slcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     slcf->service = NULL;
     *     slcf->region = NULL;
     *     slcf->host = NULL;
     *     slcf->credentials = NULL;
     *     slcf->provider = NULL;
     *     slcf->hook = NULL;
     *     slcf->known_host = { 0, NULL };
     *     slcf->metrics_label = { 0, NULL };
     *     slcf->counted = { NULL, NULL, NULL };
     *     slcf->file = NULL;
     *     slcf->line = 0;
     */

    slcf->enable = NGX_CONF_UNSET;
    slcf->payload = NGX_CONF_UNSET_UINT;
    slcf->content_sha256 = NGX_CONF_UNSET;
    slcf->signed_headers = NGX_CONF_UNSET_PTR;
    slcf->normalize_path = NGX_CONF_UNSET;
    slcf->double_encode = NGX_CONF_UNSET;
    slcf->allow_hosts = NGX_CONF_UNSET_PTR;
    slcf->credentials_timeout = NGX_CONF_UNSET_MSEC;
    slcf->lua_need_body = NGX_CONF_UNSET;
    slcf->lua_body_size = NGX_CONF_UNSET_SIZE;

    ngx_http_aws_sigv4_proxy_init(&slcf->proxy);

    return slcf;
}


char *
ngx_http_aws_sigv4_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_aws_sigv4_loc_conf_t  *prev = parent;
    ngx_http_aws_sigv4_loc_conf_t  *conf = child;

    if (conf->enable == NGX_CONF_UNSET) {
        conf->file = prev->file;
        conf->line = prev->line;
    }

    ngx_conf_merge_value(conf->enable, prev->enable, 0);

    if (conf->service == NULL) {
        conf->service = prev->service;
    }

    if (conf->region == NULL) {
        conf->region = prev->region;
    }

    if (conf->host == NULL) {
        conf->host = prev->host;
    }

    if (conf->credentials == NULL) {
        conf->credentials = prev->credentials;
    }

    ngx_conf_merge_uint_value(conf->payload, prev->payload,
                              NGX_HTTP_AWS_SIGV4_PAYLOAD_AUTO);
    ngx_conf_merge_value(conf->content_sha256, prev->content_sha256, 1);
    ngx_conf_merge_ptr_value(conf->signed_headers, prev->signed_headers,
                             NULL);
    ngx_conf_merge_value(conf->normalize_path, prev->normalize_path,
                         NGX_CONF_UNSET);
    ngx_conf_merge_value(conf->double_encode, prev->double_encode,
                         NGX_CONF_UNSET);
    ngx_conf_merge_ptr_value(conf->allow_hosts, prev->allow_hosts, NULL);
    ngx_conf_merge_msec_value(conf->credentials_timeout,
                              prev->credentials_timeout, 3000);

    if (conf->hook == NULL) {
        conf->hook = prev->hook;
    }

    ngx_conf_merge_value(conf->lua_need_body, prev->lua_need_body, 0);
    ngx_conf_merge_size_value(conf->lua_body_size, prev->lua_body_size,
                              1024 * 1024);
    ngx_conf_merge_str_value(conf->metrics_label, prev->metrics_label, "-");

    if (ngx_http_aws_sigv4_proxy_merge(cf, prev, conf) != NGX_OK
        || ngx_http_aws_sigv4_merge_provider(cf, conf) != NGX_OK
        || ngx_http_aws_sigv4_check(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_merge_provider(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t                       *name;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    static ngx_str_t  by_default = ngx_string("default");

    if (!conf->enable || conf->proxy.pass == NULL) {
        return NGX_OK;
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    name = &by_default;

    if (conf->credentials != NULL && conf->credentials->lengths == NULL) {
        name = &conf->credentials->value;
    }

    conf->provider = ngx_http_aws_sigv4_provider_use(cf, &smcf->store, name);

    if (name->len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"aws_sigv4_credentials\" of the \"aws_sigv4\" in "
                      "%s:%ui is empty, write the name of a provider",
                      conf->file, conf->line);
        return NGX_ERROR;
    }

    if (conf->provider == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"aws_sigv4_credentials %V\" of the \"aws_sigv4\" in "
                      "%s:%ui names no provider, define it with "
                      "\"aws_sigv4_provider %V <type>;\"",
                      name, conf->file, conf->line, name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_aws_sigv4_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    char                            *rv;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    rv = ngx_conf_set_flag_slot(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    slcf->file = cf->conf_file->file.name.data;
    slcf->line = cf->conf_file->line;

    if (slcf->enable) {
        smcf = ngx_http_conf_get_module_main_conf(cf,
                                                  ngx_http_aws_sigv4_module);
        smcf->used = 1;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_aws_sigv4_payload_form(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    ngx_str_t  *value;

    if (slcf->payload != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "signed") == 0) {
        slcf->payload = NGX_HTTP_AWS_SIGV4_PAYLOAD_SIGNED;

    } else if (ngx_strcmp(value[1].data, "unsigned") == 0) {
        slcf->payload = NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"aws_sigv4_payload\" "
                           "directive, it must be \"signed\" or \"unsigned\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_aws_sigv4_scope_name(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char           *rv;
    u_char          none[1];
    ngx_str_t      *value;
    sigv4_buf_t     buf;
    sigv4_scope_t   scope;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    /* an empty one leaves it to the host, as does an empty variable */

    if (value[1].len == 0 || ngx_http_script_variables_count(&value[1])) {
        return NGX_CONF_OK;
    }

    ngx_memzero(&scope, sizeof(sigv4_scope_t));

    scope.region = ngx_http_aws_sigv4_str(&value[1]);
    scope.service = scope.region;

    buf.last = none;
    buf.end = none;

    if (sigv4_credential_scope(&scope, &buf) == SIGV4_INVALID) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\", write a name "
                           "without \"/\", \",\" and blanks",
                           &value[1], &value[0]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_aws_sigv4_signed_headers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    u_char                     c;
    ngx_str_t                 *value, *name, *bad;
    ngx_uint_t                 i, k;

    /* hop-by-hop, changed on the way, or set by the module itself */

    static ngx_str_t  never[] = {
        ngx_string("authorization"), ngx_string("connection"),
        ngx_string("expect"), ngx_string("keep-alive"),
        ngx_string("proxy-authenticate"), ngx_string("proxy-authorization"),
        ngx_string("proxy-connection"), ngx_string("te"),
        ngx_string("trailer"), ngx_string("transfer-encoding"),
        ngx_string("upgrade"), ngx_string("user-agent"),
        ngx_string("via"), ngx_string("x-amzn-trace-id"),
        ngx_string("x-forwarded-for"), ngx_string("x-forwarded-host"),
        ngx_string("x-forwarded-proto"), ngx_string("x-real-ip"),
        ngx_string("forwarded"),
        ngx_string("x-api-key"), ngx_string("api-key"),
        ngx_null_string
    };

    if (slcf->signed_headers != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    slcf->signed_headers = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                            sizeof(ngx_str_t));
    if (slcf->signed_headers == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        for (k = 0; k < value[i].len; k++) {
            c = ngx_tolower(value[i].data[k]);

            if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
                && c != '_')
            {
                break;
            }

            value[i].data[k] = c;
        }

        if (k < value[i].len || k == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_signed_headers\": invalid header "
                               "name \"%V\", write letters, digits, \"-\" "
                               "and \"_\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        for (bad = never; bad->len; bad++) {
            if (bad->len == value[i].len
                && ngx_strncmp(bad->data, value[i].data, bad->len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "header \"%V\" cannot be signed: it may "
                                   "change on the way, remove it from "
                                   "\"aws_sigv4_signed_headers\"", bad);
                return NGX_CONF_ERROR;
            }
        }

        name = ngx_array_push(slcf->signed_headers);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_aws_sigv4_metrics_label(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    ngx_str_t  *value;

    if (slcf->metrics_label.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].len > NGX_HTTP_AWS_SIGV4_LABEL_MAX
        || ngx_http_script_variables_count(&value[1]))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_metrics_label\": invalid label "
                           "\"%V\", write a name of at most %d bytes without "
                           "variables", &value[1],
                           NGX_HTTP_AWS_SIGV4_LABEL_MAX);
        return NGX_CONF_ERROR;
    }

    slcf->metrics_label = value[1];

    return NGX_CONF_OK;
}
