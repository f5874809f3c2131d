-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause


local ffi = require "ffi"
local base = require "resty.core.base"
require "resty.core.phase"

local C = ffi.C
local error = error
local ffi_new = ffi.new
local ffi_str = ffi.string
local get_phase = ngx.get_phase
local get_request = base.get_request
local next = next
local pcall = pcall
local tonumber = tonumber
local tostring = tostring
local type = type


local _M = { version = "0.1.0" }


ffi.cdef [[
    typedef struct {
        size_t                          len;
        const unsigned char            *data;
    } ngx_http_aws_sigv4_ffi_str_t;

    typedef struct {
        ngx_http_aws_sigv4_ffi_str_t    region;
        ngx_http_aws_sigv4_ffi_str_t    service;
        ngx_http_aws_sigv4_ffi_str_t    host;
        ngx_http_aws_sigv4_ffi_str_t    credentials;
        int                             payload;
        int                             begun;
    } ngx_http_aws_sigv4_ffi_choice_t;

    typedef struct {
        ngx_http_aws_sigv4_ffi_str_t    name;
        ngx_http_aws_sigv4_ffi_str_t    source;
        ngx_http_aws_sigv4_ffi_str_t    error;
        int64_t                         expires;
        uint64_t                        fetches;
        uint64_t                        failures;
        int                             available;
    } ngx_http_aws_sigv4_ffi_provider_t;

    const char *ngx_http_aws_sigv4_ffi_version(void);

    int ngx_http_aws_sigv4_ffi_set(ngx_http_request_t *r,
        const ngx_http_aws_sigv4_ffi_choice_t *choice,
        ngx_http_aws_sigv4_ffi_str_t *err);
    int ngx_http_aws_sigv4_ffi_get(ngx_http_request_t *r,
        ngx_http_aws_sigv4_ffi_choice_t *choice);
    int ngx_http_aws_sigv4_ffi_off(ngx_http_request_t *r,
        ngx_http_aws_sigv4_ffi_str_t *err);

    int ngx_http_aws_sigv4_ffi_provider(unsigned int n,
        ngx_http_aws_sigv4_ffi_provider_t *provider);
]]


local function module_version()
    return ffi_str(C.ngx_http_aws_sigv4_ffi_version())
end


-- the structures above are those of one version of the module

do
    local ok, version = pcall(module_version)

    if not ok then
        error("resty.aws_sigv4 needs ngx_http_aws_sigv4_module in nginx: "
              .. "load_module modules/ngx_http_aws_sigv4_module.so;")
    end

    if version ~= _M.version then
        error("resty.aws_sigv4 " .. _M.version .. " needs "
              .. "ngx_http_aws_sigv4_module " .. _M.version
              .. ", and version " .. version .. " is loaded")
    end
end


local FFI_OK = base.FFI_OK


local err_str = ffi_new("ngx_http_aws_sigv4_ffi_str_t")
local choice = ffi_new("ngx_http_aws_sigv4_ffi_choice_t")
local provider = ffi_new("ngx_http_aws_sigv4_ffi_provider_t")

-- references into it, so that none is made for each request
local choice_region = choice.region
local choice_service = choice.service
local choice_host = choice.host
local choice_credentials = choice.credentials


-- where a request can still be told how it is to be signed
local choosing = {
    set = true,
    rewrite = true,
    server_rewrite = true,
    access = true,
}

local payloads = { signed = 1, unsigned = 2 }
local payload_names = { "signed", "unsigned" }

local choice_fields = {
    region = true,
    service = true,
    host = true,
    credentials = true,
    payload = true,
}


local function get_string(str)
    if str.len == 0 then
        return nil
    end

    return ffi_str(str.data, str.len)
end


local function failed()
    return nil, ffi_str(err_str.data, err_str.len)
end


-- C sees the bytes of the string as long as the caller of this holds it.
-- An error is that of the caller of the library, which is two frames up: a
-- tail call leaves none.

local function put_string(str, value, name)
    if value == nil then
        str.data = nil
        str.len = 0
        return
    end

    if type(value) ~= "string" then
        error("bad " .. name .. " (string expected, got " .. type(value)
              .. ")", 3)
    end

    str.data = value
    str.len = #value
end


-- the request, or nil if it has been signed

local function choosing_request()
    local r = get_request()
    local phase = get_phase()

    if choosing[phase] then
        return r
    end

    if r then
        C.ngx_http_aws_sigv4_ffi_get(r, choice)

        if choice.begun ~= 0 then
            return nil
        end
    end

    error("API disabled in the context of " .. phase .. "_by_lua*", 3)
end


local function choose(r, region, service, host, credentials)
    put_string(choice_region, region, "region")
    put_string(choice_service, service, "service")
    put_string(choice_host, host, "host")
    put_string(choice_credentials, credentials, "credentials")

    if C.ngx_http_aws_sigv4_ffi_set(r, choice, err_str) ~= FFI_OK then
        return failed()
    end

    return true
end


local function choose_by_table(t)
    local r = choosing_request()

    if not r then
        return nil, "already signed"
    end

    for name in next, t do
        if not choice_fields[name] then
            error("unknown field '" .. tostring(name) .. "'", 2)
        end
    end

    choice.payload = 0

    if t.payload ~= nil then
        local payload = payloads[t.payload]

        if not payload then
            error("bad payload ('signed' or 'unsigned' expected)", 2)
        end

        choice.payload = payload
    end

    return choose(r, t.region, t.service, t.host, t.credentials)
end


local function choose_by_position(region, service, host, credentials)
    local r = choosing_request()

    if not r then
        return nil, "already signed"
    end

    choice.payload = 0

    return choose(r, region, service, host, credentials)
end


function _M.set(region, service, host, credentials)
    if type(region) == "table" then
        return choose_by_table(region)
    end

    return choose_by_position(region, service, host, credentials)
end


function _M.get()
    local r = get_request()

    if not r then
        error("no request found", 2)
    end

    C.ngx_http_aws_sigv4_ffi_get(r, choice)

    return get_string(choice_region), get_string(choice_service),
           get_string(choice_host), get_string(choice_credentials),
           payload_names[choice.payload]
end


function _M.off()
    local r = choosing_request()

    if not r then
        return nil, "already signed"
    end

    if C.ngx_http_aws_sigv4_ffi_off(r, err_str) ~= FFI_OK then
        return failed()
    end

    return true
end


-- what is known of a provider; no secret is in it

function _M.credentials(name)
    if name == nil then
        name = "default"
    end

    if type(name) ~= "string" then
        error("bad argument #1 to 'credentials' (string expected, got "
              .. type(name) .. ")", 2)
    end

    local n = 0

    while C.ngx_http_aws_sigv4_ffi_provider(n, provider) == FFI_OK do

        if get_string(provider.name) == name then
            local expires = tonumber(provider.expires)

            return {
                name = name,
                source = get_string(provider.source),
                available = provider.available ~= 0,
                expires = expires ~= 0 and expires or nil,
                fetches = tonumber(provider.fetches),
                failures = tonumber(provider.failures),
                error = get_string(provider.error),
            }
        end

        n = n + 1
    end

    return nil, 'no provider "' .. name .. '" is defined'
end


return _M
