-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- How the request that is being proxied is to be signed: set(), get() and
-- off() of resty.aws_sigv4.


local abi = require "resty.aws_sigv4.abi"
local ffi = require "ffi"
local base = require "resty.core.base"
require "resty.core.phase"

local C = ffi.C
local error = error
local failed = abi.failed
local ffi_new = ffi.new
local get_phase = ngx.get_phase
local get_request = base.get_request
local get_string = abi.get_string
local next = next
local put_string = abi.put_string
local tostring = tostring
local type = type


local _M = { version = "0.1.0" }


local FFI_OK = base.FFI_OK

local err_str = abi.err
local payload_names = abi.payload_names
local payloads = abi.payloads

local choice = ffi_new("ngx_http_aws_sigv4_ffi_choice_t")

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

local choice_fields = {
    region = true,
    service = true,
    host = true,
    credentials = true,
    payload = true,
}


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


return _M
