import { render } from "preact";
import { App } from "./app";
import { listenToKeys } from "./core/keys";
import { followAddressBar } from "./core/state";
import { startTheme } from "./core/theme";
import "./style/colours.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/table.css";
import "./style/curves.css";
import "./style/experiment.css";
import "./style/console.css";
import "./style/code.css";
import "./style/compare.css";

startTheme();
followAddressBar();
listenToKeys();
render(<App />, document.getElementById("page")!);
