// How keys become paths of the local store, reversibly (docs/formats.md, "Local store"). Pure; callable from any
// thread.
//
// An ordinary key is the same path below the root. What a file system cannot hold is escaped, always with a '%', which
// an unescaped name never has: '%' itself as "%25"; a component of more than 200 bytes is cut, each piece but the last
// being a folder named "<piece>%+", and a last piece of dots begins with "%2E"; the component ".lakehouse" at the top
// is "%2Elakehouse"; an object whose name is
// also a folder's is "<name>%o".
#pragma once

#include <string>
#include <string_view>

namespace lakehouse::object {

inline constexpr std::string_view kObjectBesideFolder = "%o";
inline constexpr std::string_view kPieceFolder = "%+";
inline constexpr std::string_view kPrivateFolder = ".lakehouse";

// The relative path of a key's object. REQUIRES: CheckKey passed.
std::string PathOfKey(std::string_view key);
// The part of a key that a file or folder name stands for; the name must come from PathOfKey (marks cut off before).
std::string UnescapeName(std::string_view name);

}  // namespace lakehouse::object
