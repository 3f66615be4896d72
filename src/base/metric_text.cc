#include "base/metric_text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace lockstep {

namespace {

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n')
      text += "\\n";
    else if (c == '"' || c == '\\')
      text += std::string("\\") + c;
    else
      text.push_back(c);
  }
  return text;
}

std::string number(double value) {
  std::array<char, 64> buffer{};
  const bool whole = std::nearbyint(value) == value && std::abs(value) < 1e15;
  const int length = std::snprintf(buffer.data(), buffer.size(), whole ? "%.0f" : "%.6f", value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string metric_labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string text;
  for (const auto& [name, value] : pairs)
    text += std::string(text.empty() ? "{" : ",") + std::string(name) + "=\"" + escaped(value) + "\"";
  return text + "}";
}

void append_metric(const MetricFamily& family, std::string* text) {
  if (family.samples.empty()) return;
  const std::string name(family.name);
  *text +=
      "# HELP " + name + " " + std::string(family.help) + "\n# TYPE " + name + " " + std::string(family.type) + "\n";
  for (const auto& [under, value] : family.samples) *text += name + under + " " + number(value) + "\n";
}

}  // namespace lockstep
