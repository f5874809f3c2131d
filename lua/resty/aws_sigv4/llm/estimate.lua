-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What a request is charged where nobody tells how many tokens it took: a
-- token for each four bytes of text.  It is a guess that is right by half or
-- so for English, and it is not for logs.
--
--     bytes = estimate.text(piece)
--         of text in a piece of a stream, whatever its API: JSON in lines, in
--         frames or alone
--     tokens = estimate.output(bytes)
--     tokens = estimate.prompt()
--         of the request, in its log phase


local byte = string.byte
local ceil = math.ceil
local find = string.find
local min = math.min
local ngx = ngx
local tonumber = tonumber


local _M = { version = "0.1.0" }


local BYTES = 4

-- what is longer has images in it, which cost fewer tokens than bytes
local MAX_PROMPT = 64 * 1024

local QUOTE = byte('"')

-- members that hold what a model writes
local TEXT = {
    arguments = true,
    content = true,
    delta = true,
    input = true,
    partial_json = true,
    reasoning = true,
    reasoning_content = true,
    refusal = true,
    text = true,
    thinking = true,
}


-- where the string ends whose text begins at i

local function end_of(piece, i)
    while true do
        local at = find(piece, '["\\]', i)

        if at == nil then
            return #piece + 1
        end

        if byte(piece, at) == QUOTE then
            return at
        end

        i = at + 2
    end
end


-- A string whose begin or end is in another piece counts as far as it is in
-- this one, if its name is.

function _M.text(piece)
    local bytes, i = 0, 1

    while true do
        local _, to, name = find(piece, '"([%a_]+)"%s*:%s*"', i)

        if to == nil then
            return bytes
        end

        local stop = end_of(piece, to + 1)

        if TEXT[name] then
            bytes = bytes + stop - to - 1
        end

        i = stop + 1
    end
end


function _M.output(bytes)
    return ceil(bytes / BYTES)
end


function _M.prompt()
    local bytes = tonumber(ngx.var.request_length) or 0

    return ceil(min(bytes, MAX_PROMPT) / BYTES)
end


return _M
