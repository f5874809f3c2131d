-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The state of providers: credentials() of resty.aws_sigv4.


local abi = require "resty.aws_sigv4.abi"
local ffi = require "ffi"
local base = require "resty.core.base"

local C = ffi.C
local error = error
local ffi_new = ffi.new
local get_string = abi.get_string
local tonumber = tonumber
local type = type


local _M = { version = "0.1.0" }


local FFI_OK = base.FFI_OK

local provider = ffi_new("ngx_http_aws_sigv4_ffi_provider_t")


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
