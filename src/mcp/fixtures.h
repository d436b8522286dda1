// What the official conformance suite calls: tools, resources and prompts with fixed answers. Only registered with
// [mcp] conformance. Callable from any thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "mcp/call.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

void AddFixtureTools(std::vector<Tool>& tools);
// Those of input_fixtures.cc; among AddFixtureTools'.
void AddInputFixtures(std::vector<Tool>& tools);
boost::json::object GetInputFixturePrompt(const Call& call);
void AddFixtureResources(boost::json::array& resources);
void AddFixtureTemplates(boost::json::array& templates);
void AddFixturePrompts(boost::json::array& prompts);
std::optional<boost::json::object> ReadFixture(std::string_view uri);
std::optional<boost::json::object> GetFixturePrompt(const Call& call, std::string_view name,
                                                    const boost::json::object& arguments);

}  // namespace lakehouse::mcp
