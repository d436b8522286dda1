#include "base/log.h"
int main() { lakehouse::Logger l("x", lakehouse::LogLevel::kInfo, lakehouse::LogFormat::kAuto); l.Info("hi", {{"a","b"}}); }
