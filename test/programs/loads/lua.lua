-- Tables, closures and strings under Lua's own collector: many small blocks and growing arrays.
local seed = 1
local function rng(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return (seed // 65536) % n
end

local function tree(depth)
  if depth == 0 then return { leaf = rng(1000) } end
  return { tree(depth - 1), tree(depth - 1), depth = depth }
end

local function sum(node)
  return node.leaf or sum(node[1]) + sum(node[2])
end

local kept = tree(16)
local total = sum(kept)
for _ = 1, 12 do total = total + sum(tree(13)) end

local words, count = {}, {}
for i = 1, 200000 do
  local word = string.char(97 + rng(26), 97 + rng(26)) .. rng(500)
  words[i] = word
  count[word] = (count[word] or 0) + 1
end
local names = {}
for word in pairs(count) do names[#names + 1] = word end
table.sort(names)

local parts = {}
for i, name in ipairs(names) do
  parts[i] = name:upper():gsub("%d", function(d) return string.rep(d, 2) end)
end
local text = table.concat(parts, " ")

local adders = {}
for i = 1, 100000 do adders[i] = function(x) return x + i end end
local applied = 0
for i = 1, #adders do applied = (applied + adders[i](i)) % 1000003 end

print(total, #names, #text, applied, text:sub(1, 60))
os.exit(0, false) -- without closing the state: its memory is looked at
