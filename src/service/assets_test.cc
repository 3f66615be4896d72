#include "service/assets.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "service/asset_table.h"

namespace lockstep::service {
namespace {

TEST(Assets, BothAddressesAreThePage) {
  const auto page = find_asset("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_NE(page->content.find("<title>Lockstep</title>"), std::string_view::npos);
  EXPECT_FALSE(page->immutable);
  EXPECT_EQ(find_asset("/config")->content.data(), page->content.data());
  EXPECT_EQ(find_asset("/index.html")->content.data(), page->content.data());
}

TEST(Assets, WhatThePageNamesIsThere) {
  const std::string page(find_asset("/")->content);
  const std::regex named(R"re((?:src|href)="(/[^"]*)")re");
  int count = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), named), end; at != end; ++at, ++count) {
    const auto asset = find_asset((*at)[1].str());
    ASSERT_TRUE(asset) << (*at)[1];
    EXPECT_FALSE(asset->content.empty());
    EXPECT_EQ(asset->immutable, (*at)[1].str().starts_with("/assets/"));
  }
  EXPECT_GE(count, 4);
}

// The content security policy would refuse what is inline; nothing may come from elsewhere.
TEST(Assets, ThePageHasNothingInline) {
  const std::string page(find_asset("/")->content);
  EXPECT_FALSE(
      std::regex_search(page, std::regex(R"re(<style|style=|<script(?![^>]*\bsrc=)|\son[a-z]+=|https?://)re")));
}

TEST(Assets, NoOtherSpellingFindsAnything) {
  for (const std::string_view path :
       {"", "index.html", "//", "/config/", "/Config", "/index.html/", "/assets", "/assets/", "/assets/../index.html",
        "/./index.html", "/%69ndex.html", "/index.html%00", "/../../etc/passwd", "/logo.svg?x", "\\index.html"})
    EXPECT_FALSE(find_asset(path)) << path;
  EXPECT_FALSE(find_asset(std::string_view("/index.html\0", 12)));
}

TEST(Assets, EachHasATagOfItsOwn) {
  std::set<std::string_view> tags;
  for (const auto& [name, asset] : asset_table()) {
    EXPECT_TRUE(std::regex_match(std::string(asset.etag), std::regex(R"re("[0-9a-f]{32}")re"))) << name;
    EXPECT_TRUE(tags.insert(asset.etag).second) << name;
    // What follows the content in memory is none of it.
    EXPECT_NE(asset.content.back(), '\0') << name;
  }
}

}  // namespace
}  // namespace lockstep::service
