-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Text as JSON.
--
--     json = quoting.quote(s)
--         a string; bytes that are no UTF-8 are replaced


local cjson = require "cjson.safe"


local byte = string.byte
local concat = table.concat
local encode = cjson.encode
local find = string.find
local gsub = string.gsub
local sub = string.sub


local _M = { version = "0.1.0" }


local REPLACEMENT = "\239\191\189"


-- length of the valid UTF-8 sequence at i, or nil

local function sequence(s, i)
    local a, b, c, d = byte(s, i, i + 3)

    if a < 0xc2 or a > 0xf4 or b == nil or b < 0x80 or b > 0xbf then
        return nil
    end

    if a < 0xe0 then
        return 2
    end

    if c == nil or c < 0x80 or c > 0xbf then
        return nil
    end

    if a < 0xf0 then
        if (a == 0xe0 and b < 0xa0) or (a == 0xed and b > 0x9f) then
            return nil
        end

        return 3
    end

    if d == nil or d < 0x80 or d > 0xbf
       or (a == 0xf0 and b < 0x90) or (a == 0xf4 and b > 0x8f)
    then
        return nil
    end

    return 4
end


local function clean_run(run)
    local out, n, i = {}, 0, 1

    while i <= #run do
        local length = sequence(run, i)

        n = n + 1
        out[n] = length and sub(run, i, i + length - 1) or REPLACEMENT
        i = i + (length or 1)
    end

    return concat(out)
end


-- a JSON string; bytes that are no UTF-8 are replaced

function _M.quote(s)
    if find(s, "[\128-\255]") then
        s = gsub(s, "[\128-\255]+", clean_run)
    end

    s = gsub(encode(s), "\\/", "/")

    return s
end


return _M
