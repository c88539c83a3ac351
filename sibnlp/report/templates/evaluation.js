"use strict";
window.figures.draw(JSON.parse(document.getElementById("report-data").textContent).charts);
