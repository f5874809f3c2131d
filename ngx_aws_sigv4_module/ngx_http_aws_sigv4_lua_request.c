
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"


#define NGX_HTTP_AWS_SIGV4_LUA_VARIABLE  128


static int ngx_http_aws_sigv4_lua_get_header(lua_State *L);
static int ngx_http_aws_sigv4_lua_set_header(lua_State *L);
static ngx_uint_t ngx_http_aws_sigv4_lua_variable(lua_State *L,
    ngx_str_t *name, u_char *lowcase);
static int ngx_http_aws_sigv4_lua_get_variable(lua_State *L);
static int ngx_http_aws_sigv4_lua_set_variable(lua_State *L);


void
ngx_http_aws_sigv4_lua_headers(lua_State *L)
{
    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_get_header);
    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_set_header);

    ngx_http_aws_sigv4_lua_object(L);
}


void
ngx_http_aws_sigv4_lua_variables(lua_State *L)
{
    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_get_variable);
    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_set_variable);

    ngx_http_aws_sigv4_lua_object(L);
}


/*
 * All lines of the name, joined as a list (RFC 9110, section 5.2): a check
 * of the first line alone could be passed by a second one.
 */

static int
ngx_http_aws_sigv4_lua_get_header(lua_State *L)
{
    size_t            len;
    u_char           *name;
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    name = (u_char *) luaL_checklstring(L, 2, &len);
    found = 0;

    part = &ngx_http_aws_sigv4_lua_run(L)->request->headers_in.headers.part;

    for ( /* void */ ; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0
                || h[i].key.len != len
                || ngx_strncasecmp(h[i].key.data, name, len) != 0)
            {
                continue;
            }

            if (found) {
                lua_pushliteral(L, ", ");
            }

            lua_pushlstring(L, (char *) h[i].value.data, h[i].value.len);

            if (found) {
                lua_concat(L, 3);
            }

            found = 1;
        }
    }

    if (!found) {
        lua_pushnil(L);
    }

    return 1;
}


static int
ngx_http_aws_sigv4_lua_set_header(lua_State *L)
{
    return luaL_error(L, "\"headers\" cannot be set, "
                      "use \"proxy_set_header\" and a variable");
}


/* the key of the hash of variables */

static ngx_uint_t
ngx_http_aws_sigv4_lua_variable(lua_State *L, ngx_str_t *name,
    u_char *lowcase)
{
    size_t   len;
    u_char  *src;

    src = (u_char *) luaL_checklstring(L, 2, &len);

    if (len > NGX_HTTP_AWS_SIGV4_LUA_VARIABLE) {
        luaL_error(L, "the name of a variable is longer than %d bytes",
                   NGX_HTTP_AWS_SIGV4_LUA_VARIABLE);
    }

    name->data = lowcase;
    name->len = len;

    return ngx_hash_strlow(lowcase, src, len);
}


static int
ngx_http_aws_sigv4_lua_get_variable(lua_State *L)
{
    u_char                      lowcase[NGX_HTTP_AWS_SIGV4_LUA_VARIABLE];
    ngx_str_t                   name;
    ngx_uint_t                  key;
    ngx_http_variable_value_t  *vv;

    key = ngx_http_aws_sigv4_lua_variable(L, &name, lowcase);

    vv = ngx_http_get_variable(ngx_http_aws_sigv4_lua_run(L)->request, &name,
                               key);

    if (vv == NULL || vv->not_found) {
        lua_pushnil(L);

    } else {
        lua_pushlstring(L, (char *) vv->data, vv->len);
    }

    return 1;
}


static int
ngx_http_aws_sigv4_lua_set_variable(lua_State *L)
{
    u_char                      lowcase[NGX_HTTP_AWS_SIGV4_LUA_VARIABLE];
    ngx_str_t                   name, value;
    ngx_uint_t                  key;
    ngx_http_request_t         *r;
    ngx_http_variable_t        *v;
    ngx_http_variable_value_t  *vv;
    ngx_http_core_main_conf_t  *cmcf;

    r = ngx_http_aws_sigv4_lua_run(L)->request;

    key = ngx_http_aws_sigv4_lua_variable(L, &name, lowcase);

    ngx_http_aws_sigv4_lua_string(L, &value);
    ngx_http_aws_sigv4_lua_copy(L, &value);

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    v = ngx_hash_find(&cmcf->variables_hash, key, name.data, name.len);

    /* those with a setter are parts of the request, as $args is */

    if (v == NULL
        || v->set_handler != NULL
        || !(v->flags & NGX_HTTP_VAR_CHANGEABLE)
        || !(v->flags & NGX_HTTP_VAR_INDEXED))
    {
        return luaL_error(L, "variable \"%s\" cannot be set: "
                          "none is declared by \"set $%s ...\"",
                          lua_tostring(L, 2), lua_tostring(L, 2));
    }

    vv = &r->variables[v->index];

    vv->len = value.len;
    vv->data = value.data;
    vv->valid = 1;
    vv->no_cacheable = 0;
    vv->not_found = 0;

    return 0;
}
