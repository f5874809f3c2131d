-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What of a body is another one for a target: the name of the model, and
-- members that the target does not know or knows by other names.  Everything
-- else goes on byte for byte.
--
--     list = edits.of(s, target)
--         for body.edit(), with offsets of the body as it was received; nil
--         where the target takes the body as it is


local cjson = require "cjson.safe"


local ngx = ngx
local concat = table.concat
local encode = cjson.encode
local gmatch = string.gmatch
local gsub = string.gsub
local ipairs = ipairs
local pairs = pairs
local sort = table.sort


local _M = { version = "0.1.0" }


local VERSION = '"anthropic_version":"bedrock-2023-05-31"'


local function quote(text)
    return (gsub(encode(text), "\\/", "/"))
end


local function by_place(a, b)
    return a.key_from < b.key_from
end


-- Each member goes with the comma before it.  Where all that stand before it
-- go as well there is none, and it takes the comma behind it.

local function remove(list, members)
    local leading

    sort(members, by_place)

    for _, member in ipairs(members) do
        local from, to = member.before, member.to

        if from == nil or from == leading then
            leading = member.after
            from = member.key_from
            to = leading and leading + 1 or to
        end

        list[#list + 1] = { from = from, to = to, text = "" }
    end
end


local function replace(list, from, to, text)
    list[#list + 1] = { from = from, to = to, text = text }
end


-- The flags of the header that the target may get: Bedrock refuses those that
-- it does not know.

local function betas(target)
    local sent = ngx.var.http_anthropic_beta
    local list = {}

    if sent and target.betas then
        for beta in gmatch(sent, "[^,%s]+") do
            if target.betas[beta] then
                list[#list + 1] = quote(beta)
            end
        end
    end

    return #list > 0 and '"anthropic_beta":[' .. concat(list, ",") .. "]"
end


-- the model is in the path, and what was in headers takes its place

local function envelope(list, gone, members, target)
    local text

    if not members.anthropic_version then
        text = VERSION
    end

    if not members.anthropic_beta then
        local beta = betas(target)

        if beta then
            text = text and text .. "," .. beta or beta
        end
    end

    local model = members.model

    if text then
        replace(list, model.key_from, model.to, text)

    else
        gone[#gone + 1] = model
    end

    gone[#gone + 1] = members.stream
end


local function drop_and_rename(list, gone, members, target)
    local dropped = {}

    for _, name in ipairs(target.drop or {}) do
        if members[name] and not dropped[name] then
            dropped[name] = true
            gone[#gone + 1] = members[name]
        end
    end

    for old, new in pairs(target.rename or {}) do
        local member = members[old]

        if member and not dropped[old] then

            -- a name must not stand there twice
            if members[new] and not dropped[new] then
                gone[#gone + 1] = member

            else
                replace(list, member.key_from, member.key_to, quote(new))
            end
        end
    end
end


local function by_from(a, b)
    return a.from < b.from
end


function _M.of(s, target)
    local members = s.members

    -- a body of Bedrock's own names no model
    if not members then
        return nil
    end

    local list, gone = {}, {}

    if target.invoke then
        envelope(list, gone, members, target)

    elseif s.alias ~= target.model then
        local model = members.model

        replace(list, model.from, model.to, target.model_json)
    end

    if target.drop or target.rename then
        drop_and_rename(list, gone, members, target)
    end

    remove(list, gone)
    sort(list, by_from)

    return #list > 0 and list or nil
end


return _M
