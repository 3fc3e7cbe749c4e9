// Perses's own viewer for one dashboard, without Perses's server. `window.picture` says what to show:
// dashboard (the Perses resource), prometheus (URL), start and end (seconds since the epoch).
import React from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router-dom';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { setPlatformAPI } from 'echarts';
import { CssBaseline, ThemeProvider, Typography } from '@mui/material';
import { ChartsProvider, SnackbarProvider, generateChartsTheme, getTheme } from '@perses-dev/components';
import {
  PluginRegistry,
  TimeRangeProvider,
  ValidationProvider,
  dynamicImportPluginLoader,
} from '@perses-dev/plugin-system';
import { Dashboard, DashboardProvider, DatasourceStoreProvider, VariableProvider } from '@perses-dev/dashboards';
import * as prometheus from '@perses-dev/prometheus-plugin';
import * as statChart from '@perses-dev/stat-chart-plugin';
import * as table from '@perses-dev/table-plugin';
import * as timeSeriesChart from '@perses-dev/timeseries-chart-plugin';

const { picture } = window;
const loader = dynamicImportPluginLoader(
  [prometheus, statChart, table, timeSeriesChart].map((module) => ({
    resource: module.getPluginModule(),
    importPlugin: async () => module,
  }))
);
const datasource = {
  kind: 'GlobalDatasource',
  metadata: { name: 'prometheus' },
  spec: {
    default: true,
    plugin: { kind: 'PrometheusDatasource', spec: { directUrl: picture.prometheus, scrapeInterval: '1s' } },
  },
};
const datasources = {
  getDatasource: async () => undefined,
  getGlobalDatasource: async () => datasource,
  listDatasources: async () => [],
  listGlobalDatasources: async () => [datasource],
  buildProxyUrl: () => '',
};
const theme = getTheme('light');
const charts = generateChartsTheme(theme, { timeAxis: { axisLabel: { hideOverlap: true } } });
// The charts take the width of this character for the height of a line. Where no font has it, labels would be cut.
const context = document.createElement('canvas').getContext('2d');
setPlatformAPI({
  measureText: (text, font) => {
    context.font = font ?? '12px sans-serif';
    return { width: text === '国' ? parseFloat(/([\d.]+)px/.exec(context.font)[1]) : context.measureText(text).width };
  },
});
const range = { start: new Date(picture.start * 1000), end: new Date(picture.end * 1000) };
const { dashboard } = picture;
const queries = new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false, retry: 0 } } });

const layers = [
  [BrowserRouter, {}],
  [ThemeProvider, { theme }],
  [ChartsProvider, { chartsTheme: charts }],
  [SnackbarProvider, {}],
  [QueryClientProvider, { client: queries }],
  [
    PluginRegistry,
    {
      pluginLoader: loader,
      defaultPluginKinds: { Panel: 'TimeSeriesChart', TimeSeriesQuery: 'PrometheusTimeSeriesQuery' },
    },
  ],
  [ValidationProvider, {}],
  [TimeRangeProvider, { timeRange: range, refreshInterval: '0s' }],
  [DatasourceStoreProvider, { dashboardResource: dashboard, datasourceApi: datasources }],
  [VariableProvider, { initialVariableDefinitions: dashboard.spec.variables }],
  [DashboardProvider, { initialState: { dashboardResource: dashboard, isEditMode: false } }],
];
const page = (
  <>
    <CssBaseline />
    <Typography variant="h2" sx={{ padding: 1.5 }}>
      {dashboard.spec.display.name}
    </Typography>
    <Dashboard />
  </>
);
createRoot(document.getElementById('root')).render(
  layers.reduceRight((content, [Layer, props]) => <Layer {...props}>{content}</Layer>, page)
);
